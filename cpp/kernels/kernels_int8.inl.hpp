// The kernel source once more, with operands of 8 bits: inference in float32. A kernels_<isa>_int8.cpp file defines
// FASTLSTM_ISA, its name, and includes this.
//
// Products and sums are never fused, whether the processor can or not: every instruction set gives the same bits.
#pragma once

#define FASTLSTM_INT8
#define FASTLSTM_SEPARATE
#include "general_forward.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr Reduction<float> kNarrow = {bytes_of, left_bytes<float>, pack_panel<float>, 127};
constexpr Reduction<float> kWide = {bytes_of, left_bytes<float>, pack_panel<float>, 32767};

constexpr Kernels<float> make_kernels(Precision precision, const Reduction<float>& reduction) {
    using T = float;
    return {FASTLSTM_ISA_NAME,
            "whole numbers of 16 bits, multiplied in pairs",
            precision,
            &reduction,
            kLanes<T>,
            product<T>,
            nullptr,
            transpose<T>,
            {{lstm_forward<T>, nullptr}, {}},
            {{gru_forward<T>, nullptr}, {}},
            {{gru_reset_forward<T>, gru_candidate_forward<T>}, {}},
            {{rnn_forward<T, TanhUnit<T>>, nullptr}, {}},
            {{rnn_forward<T, ReluUnit<T>>, nullptr}, {}},
            {{general_lstm_forward<T>, nullptr}, {}},
            {{general_gru_forward<T>, nullptr}, {}},
            {{general_gru_reset_forward<T>, general_gru_candidate_forward<T>}, {}},
            {{general_rnn_forward<T>, nullptr}, {}},
            nullptr,
            nullptr,
            nullptr};
}

}  // namespace

extern const Kernels<float> kernels, wide_kernels;
constexpr Kernels<float> kernels = make_kernels(Precision::int8, kNarrow);
constexpr Kernels<float> wide_kernels = make_kernels(Precision::int8_int16, kWide);

}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
