// Softmax over the rows of a matrix.
#pragma once

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// Rows do not depend on each other, so threads share them as they come.
template <class T>
void softmax(const Kernels<T>& kernels, const SoftmaxArgs<T>& args);

}  // namespace fastlstm
