// What tells the cells apart: gates, what a tape keeps, which kernels run.
#pragma once

#include <stdexcept>
#include <string>

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// Gates of an LSTM are stacked i, f, g, o everywhere in this project; converters from other orders live in Python.
enum class CellKind { lstm, rnn_tanh, rnn_relu };

inline CellKind cell_kind(const std::string& name) {
    if (name == "lstm") return CellKind::lstm;
    if (name == "rnn_tanh") return CellKind::rnn_tanh;
    if (name == "rnn_relu") return CellKind::rnn_relu;
    throw std::invalid_argument("cell must be 'lstm', 'rnn_tanh' or 'rnn_relu', got '" + name + "'");
}

inline const char* cell_name(CellKind kind) {
    switch (kind) {
        case CellKind::lstm: return "lstm";
        case CellKind::rnn_tanh: return "rnn_tanh";
        default: return "rnn_relu";
    }
}

inline Index gate_count(CellKind kind) { return kind == CellKind::lstm ? 4 : 1; }
inline bool has_cell_state(CellKind kind) { return kind == CellKind::lstm; }
inline bool keeps_gates(CellKind kind) { return kind == CellKind::lstm; }  // an RNN's derivative needs h alone

template <class T>
const Cell<T>& cell_kernels(const Kernels<T>& kernels, CellKind kind) {
    switch (kind) {
        case CellKind::lstm: return kernels.lstm;
        case CellKind::rnn_tanh: return kernels.rnn_tanh;
        default: return kernels.rnn_relu;
    }
}

}  // namespace fastlstm
