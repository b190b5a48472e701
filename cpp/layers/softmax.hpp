// Softmax over the rows of a matrix, and what a cross-entropy with labels needs of it.
#pragma once

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// Rows do not depend on each other, so threads share them as they come.
template <class T>
void softmax(const Kernels<T>& kernels, const SoftmaxArgs<T>& args);
template <class T>
void softmax_cross_entropy(const Kernels<T>& kernels, const CrossEntropyArgs<T>& args);

}  // namespace fastlstm
