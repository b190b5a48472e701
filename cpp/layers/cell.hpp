// What tells the cells apart: gates, what a tape keeps, which kernels run.
#pragma once

#include <stdexcept>
#include <string>

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// Gates are stacked i, f, g, o (LSTM) and r, u, n (GRU) everywhere in this project; converters from other orders live
// in Python.
enum class CellKind { lstm, gru, gru_reset_before, rnn_tanh, rnn_relu };

inline CellKind cell_kind(const std::string& name) {
    if (name == "lstm") return CellKind::lstm;
    if (name == "gru") return CellKind::gru;
    if (name == "gru_reset_before") return CellKind::gru_reset_before;
    if (name == "rnn_tanh") return CellKind::rnn_tanh;
    if (name == "rnn_relu") return CellKind::rnn_relu;
    throw std::invalid_argument("cell must be 'lstm', 'gru', 'gru_reset_before', 'rnn_tanh' or 'rnn_relu', got '" +
                                name + "'");
}

inline const char* cell_name(CellKind kind) {
    switch (kind) {
        case CellKind::lstm: return "lstm";
        case CellKind::gru: return "gru";
        case CellKind::gru_reset_before: return "gru_reset_before";
        case CellKind::rnn_tanh: return "rnn_tanh";
        default: return "rnn_relu";
    }
}

inline bool is_gru(CellKind kind) { return kind == CellKind::gru || kind == CellKind::gru_reset_before; }
inline Index gate_count(CellKind kind) { return kind == CellKind::lstm ? 4 : is_gru(kind) ? 3 : 1; }
constexpr Index kGruCandidate = 2;  // n among r, u, n

inline bool has_cell_state(CellKind kind) { return kind == CellKind::lstm; }

// Whether the recurrent product can begin with the projection of the inputs: W and R have the same groups.
inline bool fuses_projection(CellKind kind) { return !is_gru(kind); }

// Whether h_prev reaches h past the gates too, and its gradient likewise.
inline bool bypasses_gates(CellKind kind) { return is_gru(kind); }

// Whether the recurrent bias of n is multiplied by a gate, and so cannot be added to the other bias.
inline bool has_recurrent_bias(CellKind kind) { return kind == CellKind::gru; }

// Whether n's recurrent product takes r h_prev in place of h_prev, in a second phase of every visit.
inline bool resets_before(CellKind kind) { return kind == CellKind::gru_reset_before; }
inline Index recurrent_gate_count(CellKind kind) { return resets_before(kind) ? 2 : gate_count(kind); }

// The order of the gates in W: those of a GRU begin with n, so that the slots n, r, u, a of the gate gradients hold
// those of W and of R side by side.
inline Index first_input_gate(CellKind kind) { return is_gru(kind) ? kGruCandidate : 0; }

// The slots of a group of gate gradients that belong to W, to R, and to an R_n apart (see kernel_table.hpp).
struct Slots {
    Index first, count;
};
inline Slots input_slots(CellKind kind) { return {0, is_gru(kind) ? 3 : kGroup}; }
inline Slots recurrent_slots(CellKind kind) {
    return is_gru(kind) ? Slots{1, recurrent_gate_count(kind)} : Slots{0, kGroup};
}
constexpr Slots kCandidateSlots{0, 1};

// Activated gates a tape keeps for a unit, one a slot. An RNN's derivative needs h alone.
inline Index kept_gates(CellKind kind) {
    switch (kind) {
        case CellKind::lstm:
        case CellKind::gru: return 4;
        case CellKind::gru_reset_before: return 3;
        default: return 0;
    }
}

template <class T>
const Cell<T>& cell_kernels(const Kernels<T>& kernels, CellKind kind) {
    switch (kind) {
        case CellKind::lstm: return kernels.lstm;
        case CellKind::gru: return kernels.gru;
        case CellKind::gru_reset_before: return kernels.gru_reset_before;
        case CellKind::rnn_tanh: return kernels.rnn_tanh;
        default: return kernels.rnn_relu;
    }
}

}  // namespace fastlstm
