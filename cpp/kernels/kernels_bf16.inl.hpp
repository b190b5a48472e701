// The kernel source once more, with operands in bfloat16. A kernels_<isa>_bf16.cpp file defines FASTLSTM_ISA, the name
// of its instruction set, and includes this.
#pragma once

#define FASTLSTM_BF16
#include "make_kernels.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr Reduction<float> kReduction = {matrix_bytes,        left_bytes, pack_panel<float>, 0,
                                         unpack_panel<float>, outer_bytes};

}  // namespace

extern const Kernels<float> kernels;
constexpr Kernels<float> kernels = make_kernels<float>(FASTLSTM_ISA_NAME, kHow, Precision::bfloat16, &kReduction);

}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
