// What tells the cells apart: gates, what a tape keeps, which kernels run.
#pragma once

#include <stdexcept>
#include <string>

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// Gates are stacked i, f, g, o (LSTM) and r, u, n (GRU) everywhere in this project; converters from other orders live
// in Python.
enum class CellKind { lstm, gru, rnn_tanh, rnn_relu };

inline CellKind cell_kind(const std::string& name) {
    if (name == "lstm") return CellKind::lstm;
    if (name == "gru") return CellKind::gru;
    if (name == "rnn_tanh") return CellKind::rnn_tanh;
    if (name == "rnn_relu") return CellKind::rnn_relu;
    throw std::invalid_argument("cell must be 'lstm', 'gru', 'rnn_tanh' or 'rnn_relu', got '" + name + "'");
}

inline const char* cell_name(CellKind kind) {
    switch (kind) {
        case CellKind::lstm: return "lstm";
        case CellKind::gru: return "gru";
        case CellKind::rnn_tanh: return "rnn_tanh";
        default: return "rnn_relu";
    }
}

inline Index gate_count(CellKind kind) {
    switch (kind) {
        case CellKind::lstm: return 4;
        case CellKind::gru: return 3;
        default: return 1;
    }
}
inline bool has_cell_state(CellKind kind) { return kind == CellKind::lstm; }

// Numbers a tape keeps for a unit beside its states. An RNN's derivative needs h alone.
inline Index kept_gates(CellKind kind) { return kind == CellKind::lstm || kind == CellKind::gru ? 4 : 0; }

// Whether h_prev reaches h past the gates too, and its gradient likewise.
inline bool bypasses_gates(CellKind kind) { return kind == CellKind::gru; }

// Whether the bias of the recurrent product is inside a product with a gate, and so not to be added to the other one.
inline bool has_recurrent_bias(CellKind kind) { return kind == CellKind::gru; }
constexpr Index kGruCandidate = 2;  // the gate whose bias that is

// The order of the gates in W: those of a GRU begin with n, so that the slots n, r, u, a of the gate gradients hold
// those of W and of R side by side.
inline Index first_input_gate(CellKind kind) { return kind == CellKind::gru ? kGruCandidate : 0; }

// The slots of a group of gate gradients that belong to W and to R (see kernel_table.hpp).
struct Slots {
    Index first, count;
};
inline Slots input_slots(CellKind kind) { return {0, kind == CellKind::gru ? 3 : kGroup}; }
inline Slots recurrent_slots(CellKind kind) { return kind == CellKind::gru ? Slots{1, 3} : Slots{0, kGroup}; }

template <class T>
const Cell<T>& cell_kernels(const Kernels<T>& kernels, CellKind kind) {
    switch (kind) {
        case CellKind::lstm: return kernels.lstm;
        case CellKind::gru: return kernels.gru;
        case CellKind::rnn_tanh: return kernels.rnn_tanh;
        default: return kernels.rnn_relu;
    }
}

}  // namespace fastlstm
