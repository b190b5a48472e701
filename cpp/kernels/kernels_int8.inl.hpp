// The kernel source once more, with operands of 8 bits: inference in float32. A kernels_<isa>_int8.cpp file defines
// FASTLSTM_ISA, the name of its instruction set, and includes this.
//
// A multiply-add rounds once, whether the processor can or not: every instruction set gives the same bits.
#pragma once

#define FASTLSTM_INT8
#include "make_kernels.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr Reduction<float> reduction(Index largest) {
    return {matrix_bytes, left_bytes<float>, pack_panel<float>, largest, nullptr, nullptr};
}
constexpr Reduction<float> kNarrow = reduction(127), kWide = reduction(32767);

}  // namespace

extern const Kernels<float> kernels;
constexpr Kernels<float> kernels = make_kernels<float>(FASTLSTM_ISA_NAME, kHow, Precision::int8, &kNarrow);
#if !defined(FASTLSTM_LEFT_BYTES)
extern const Kernels<float> wide_kernels;
constexpr Kernels<float> wide_kernels = make_kernels<float>(FASTLSTM_ISA_NAME, kHow, Precision::int8_int16, &kWide);
#endif

}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
