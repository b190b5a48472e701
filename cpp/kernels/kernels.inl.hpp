// The one kernel source. A kernels_<isa>.cpp file defines FASTLSTM_ISA and FASTLSTM_ISA_DESCRIPTION, checks that its
// compiler flags are what it needs, and includes this; the build renames the Eigen namespace for each of them, so that
// no two objects share a symbol.
#pragma once

#include "general_backward.inl.hpp"
#include "outer.inl.hpp"
#include "probe.inl.hpp"

#define FASTLSTM_TEXT_OF(x) #x
#define FASTLSTM_TEXT(x) FASTLSTM_TEXT_OF(x)

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

template <class T>
constexpr Kernels<T> make_kernels() {
    return {FASTLSTM_TEXT(FASTLSTM_ISA),
            FASTLSTM_ISA_DESCRIPTION,
            Precision::full,
            nullptr,
            kLanes<T>,
            product<T>,
            outer<T>,
            transpose<T>,
            {{lstm_forward<T>, nullptr}, {lstm_backward<T>, nullptr}},
            {{gru_forward<T>, nullptr}, {gru_backward<T>, nullptr}},
            {{gru_reset_forward<T>, gru_candidate_forward<T>}, {gru_candidate_backward<T>, gru_reset_backward<T>}},
            {{rnn_forward<T, TanhUnit<T>>, nullptr}, {rnn_backward<T, TanhUnit<T>>, nullptr}},
            {{rnn_forward<T, ReluUnit<T>>, nullptr}, {rnn_backward<T, ReluUnit<T>>, nullptr}},
            {{general_lstm_forward<T>, nullptr}, {general_lstm_backward<T>, nullptr}},
            {{general_gru_forward<T>, nullptr}, {general_gru_backward<T>, nullptr}},
            {{general_gru_reset_forward<T>, general_gru_candidate_forward<T>},
             {general_gru_candidate_backward<T>, general_gru_reset_backward<T>}},
            {{general_rnn_forward<T>, nullptr}, {general_rnn_backward<T>, nullptr}},
            map<T, tanh_packet<T>>,
            map<T, sigmoid_packet<T>>,
            activate<T>};
}

}  // namespace

extern const KernelTable table;
constexpr KernelTable table = {FASTLSTM_TEXT(FASTLSTM_ISA),
                               FASTLSTM_ISA_DESCRIPTION,
                               {probe_multiply_add, kProbeFlops, probe_read},
                               make_kernels<float>(),
                               make_kernels<double>()};

}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
