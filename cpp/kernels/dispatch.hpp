// The registry of instruction sets: which were built, which this processor has, which one is active.
#pragma once

#include <string>
#include <vector>

#include "kernel_table.hpp"

namespace fastlstm {

// Fastest first.
std::vector<const KernelTable*> built_tables();
std::vector<const KernelTable*> available_tables();

// The table new weights are packed for. Starts as FASTLSTM_ISA says, else as the fastest available.
// Throws std::invalid_argument if FASTLSTM_ISA names no available set.
const KernelTable& active_table();

// Of the active table. In a reduced precision, which float alone has: the fastest that this processor has.
template <class T>
const Kernels<T>& active_kernels(Precision precision = Precision::full);
template <>
const Kernels<float>& active_kernels<float>(Precision precision);
template <>
const Kernels<double>& active_kernels<double>(Precision precision);

// Throws std::invalid_argument, listing the valid names, if `name` is unknown or this processor cannot run it.
void set_active_table(const std::string& name);

}  // namespace fastlstm
