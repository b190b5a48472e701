// The one kernel source, in full precision. A kernels_<isa>.cpp file defines FASTLSTM_ISA and FASTLSTM_ISA_DESCRIPTION,
// checks that its compiler flags are what it needs, and includes this; the build renames the Eigen namespace for each
// of them, so that no two objects share a symbol.
#pragma once

#include "make_kernels.inl.hpp"
#include "probe.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr const char* kName = FASTLSTM_TEXT(FASTLSTM_ISA);

}  // namespace

extern const KernelTable table;
constexpr KernelTable table = {kName,
                               FASTLSTM_ISA_DESCRIPTION,
                               {probe_multiply_add, kProbeFlops, probe_read},
                               make_kernels<float>(kName, FASTLSTM_ISA_DESCRIPTION, Precision::full, nullptr),
                               make_kernels<double>(kName, FASTLSTM_ISA_DESCRIPTION, Precision::full, nullptr)};

}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
