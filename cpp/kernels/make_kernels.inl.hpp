// The functions of one precision, as the table has them.
#pragma once

#include "general_backward.inl.hpp"
#include "outer.inl.hpp"

#define FASTLSTM_TEXT_OF(x) #x
#define FASTLSTM_TEXT(x) FASTLSTM_TEXT_OF(x)

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

template <class T>
using BackwardPhase = void (*)(const CellBackwardArgs<T>&);

template <class T>
constexpr void set_backward(Cell<T>& cell, BackwardPhase<T> first, BackwardPhase<T> second = nullptr) {
    cell.backward[0] = first;
    cell.backward[1] = second;
}

template <class T>
constexpr void add_training(Kernels<T>& kernels) {
    kernels.outer = outer<T>;
    set_backward(kernels.lstm, lstm_backward<T>);
    set_backward(kernels.gru, gru_backward<T>);
    set_backward(kernels.gru_reset_before, gru_candidate_backward<T>, gru_reset_backward<T>);
    set_backward(kernels.rnn_tanh, rnn_backward<T, TanhUnit<T>>);
    set_backward(kernels.rnn_relu, rnn_backward<T, ReluUnit<T>>);
    set_backward(kernels.general_lstm, general_lstm_backward<T>);
    set_backward(kernels.general_gru, general_gru_backward<T>);
    set_backward(kernels.general_gru_reset_before, general_gru_candidate_backward<T>, general_gru_reset_backward<T>);
    set_backward(kernels.general_rnn, general_rnn_backward<T>);
}

template <class T>
constexpr Kernels<T> make_kernels(const char* isa, const char* description, Precision precision,
                                  const Reduction<T>* reduction) {
    Kernels<T> kernels{isa,
                       description,
                       precision,
                       reduction,
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
                       map<T, tanh_packet<T>>,
                       map<T, sigmoid_packet<T>>,
                       activate<T>,
                       {},
                       nullptr,
                       nullptr,
                       nullptr};
    if constexpr (kTrains) add_training(kernels);
    return kernels;
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
