// What tells the cells apart: gates, what a tape keeps, which kernels run.
#pragma once

#include <limits>
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
    if (name == "rnn_tanh" || name == "rnn") return CellKind::rnn_tanh;
    if (name == "rnn_relu") return CellKind::rnn_relu;
    throw std::invalid_argument(
        "cell must be 'lstm', 'gru', 'gru_reset_before', 'rnn_tanh', 'rnn_relu' or 'rnn', got '" + name + "'");
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

inline Function function_of(const std::string& name) {
    constexpr const char* kNames[] = {
        "affine",       "relu", "leaky_relu", "thresholded_relu", "tanh",        "scaled_tanh", "sigmoid",
        "hard_sigmoid", "elu",  "softsign",   "softplus",         "exponential", "selu",        "silu"};
    std::string valid;
    int number = 0;
    for (const char* known : kNames) {
        if (name == known) return static_cast<Function>(number);
        valid += (number++ ? ", " : "") + std::string(known);
    }
    throw std::invalid_argument("an activation must be one of " + valid + ", got '" + name + "'");
}

inline bool is_gru(CellKind kind) { return kind == CellKind::gru || kind == CellKind::gru_reset_before; }
inline Index gate_count(CellKind kind) { return kind == CellKind::lstm ? 4 : is_gru(kind) ? 3 : 1; }
constexpr Index kGruCandidate = 2;  // n among r, u, n
constexpr Index kPeepholes = 3;     // i, f, o of an LSTM

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
// Those of one gate of R: an RNN's gate has all slots of a group, as its group is four unit blocks.
inline Slots recurrent_slots(CellKind kind, Index gate) {
    const Slots all = recurrent_slots(kind);
    return gate_count(kind) == 1 ? all : Slots{all.first + gate, 1};
}
constexpr Slots kCandidateSlots{0, 1};

// What the standard kernels compute. A cell that differs in anything runs on the general ones.
inline CellOptions standard_options(CellKind kind) {
    const Activation sigmoid{Function::sigmoid, 0, 0}, tanh{Function::tanh, 0, 0}, relu{Function::relu, 0, 0};
    const Activation gates = kind == CellKind::rnn_tanh ? tanh : kind == CellKind::rnn_relu ? relu : sigmoid;
    return {gates, tanh, tanh, std::numeric_limits<double>::infinity(), false};
}

inline bool is_standard(const CellOptions& options, CellKind kind) {
    const CellOptions standard = standard_options(kind);
    return options.gates.function == standard.gates.function &&
           options.candidate.function == standard.candidate.function &&
           options.output.function == standard.output.function && options.clip == standard.clip &&
           !options.input_forget;
}

// An RNN is of the kind whose standard kernels compute its activation, if there are some.
inline CellKind with_kernels_of_its_own(CellKind kind, const CellOptions& options) {
    if (gate_count(kind) != 1) return kind;
    return options.gates.function == Function::relu ? CellKind::rnn_relu : CellKind::rnn_tanh;
}

// Numbers a tape keeps for a unit and step, one a slot, beside its states: the derivatives of the step, or in a general
// cell the sums that go into its activations. What relu lets through is told by h alone.
inline Index kept_slots(CellKind kind, bool general) {
    switch (kind) {
        case CellKind::lstm: return general ? 4 : kLstmKept;
        case CellKind::gru: return general ? 4 : kGruKept;
        case CellKind::gru_reset_before: return general ? 3 : kGruKept;
        case CellKind::rnn_tanh: return kRnnKept;
        default: return general ? 1 : 0;
    }
}

template <class T>
const Cell<T>& general_kernels(const Kernels<T>& kernels, CellKind kind) {
    switch (kind) {
        case CellKind::lstm: return kernels.general_lstm;
        case CellKind::gru: return kernels.general_gru;
        case CellKind::gru_reset_before: return kernels.general_gru_reset_before;
        default: return kernels.general_rnn;
    }
}

template <class T>
const Cell<T>& cell_kernels(const Kernels<T>& kernels, CellKind kind, bool general) {
    if (general) return general_kernels(kernels, kind);
    switch (kind) {
        case CellKind::lstm: return kernels.lstm;
        case CellKind::gru: return kernels.gru;
        case CellKind::gru_reset_before: return kernels.gru_reset_before;
        case CellKind::rnn_tanh: return kernels.rnn_tanh;
        default: return kernels.rnn_relu;
    }
}

}  // namespace fastlstm
