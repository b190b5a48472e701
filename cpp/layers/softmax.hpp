// Softmax over the rows of a matrix, and what a cross-entropy with labels needs of it.
#pragma once

#include "../kernels/kernel_table.hpp"
#include "interruption.hpp"

namespace fastlstm {

// Rows do not depend on each other, so threads share them as they come. False: it was stopped before the last of them.
template <class T>
bool softmax(const Kernels<T>& kernels, const SoftmaxArgs<T>& args, StopRequested stop_requested = {});
template <class T>
bool softmax_cross_entropy(const Kernels<T>& kernels, const CrossEntropyArgs<T>& args,
                           StopRequested stop_requested = {});

}  // namespace fastlstm
