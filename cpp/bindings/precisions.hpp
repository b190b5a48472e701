// What a caller calls the precisions, and the kernels that weights are packed for.
#pragma once

#include <string>

#include "../kernels/dispatch.hpp"

namespace fastlstm {

// ValueError, listing the names, for another.
Precision precision_of(const std::string& name);
std::string name_of(Precision precision);

// Of the active instruction set; ValueError where the precision is not one of T.
template <class T>
const Kernels<T>& packing_kernels(Precision precision);
template <>
const Kernels<float>& packing_kernels<float>(Precision precision);
template <>
const Kernels<double>& packing_kernels<double>(Precision precision);

// ValueError for weights that only inference may use.
template <class T>
void refuse_for_training(const Kernels<T>& kernels);

}  // namespace fastlstm
