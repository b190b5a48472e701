// What tells the cells apart: gates, what a tape keeps, which kernels run.
#pragma once

#include <iterator>
#include <stdexcept>
#include <string>

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// Gates are stacked i, f, g, o (LSTM) and r, u, n (GRU) everywhere in this project; converters from other orders live
// in Python.
enum class CellKind { lstm, gru, gru_reset_before, rnn_tanh, rnn_relu };

constexpr Index kGruCandidate = 2;  // n among r, u, n
constexpr Index kPeepholes = 3;     // i, f, o of an LSTM

// Slots of a group of gate gradients (see kernel_table.hpp).
struct Slots {
    Index first, count;
};
constexpr Slots kCandidateSlots{0, 1};  // of an R_n apart
constexpr Slots kResetSlots{1, 1};      // of the r that is found from its gradients, in a second phase

struct CellTraits {
    CellKind kind;
    const char* name;
    Index gates;             // of W
    Index recurrent_gates;   // of the R that h_prev is multiplied with; without n if that takes r h_prev
    Index recurrent_group;   // vectors of a group of that R
    Index first_input_gate;  // in W; of a GRU n, so that the slots n, r, u, a have those of W and of R side by side
    Slots input_slots, recurrent_slots;  // of W, and of that R
    // Numbers a tape keeps for a unit and step, one a slot, beside its states: the derivatives of the step, or in a
    // general cell the sums that go into its activations. What relu lets through is told by h alone.
    Index kept, general_kept;
    Function gate_function;
    int activations;  // that may be chosen
    bool has_cell_state;
    bool fuses_projection;    // the recurrent product can begin with that of the inputs: W and R have the same groups
    bool bypasses_gates;      // h_prev reaches h past the gates too, and its gradient likewise
    bool has_recurrent_bias;  // that of n is multiplied by a gate, and so cannot be added to the other bias

    bool resets_before() const { return recurrent_gates < gates; }
    // The slots of one gate of R: an RNN's has all slots of a group, as its group is four unit blocks.
    Slots recurrent_slots_of(Index gate) const {
        return gates == 1 ? recurrent_slots : Slots{recurrent_slots.first + gate, 1};
    }
    Index kept_slots(bool general) const { return general ? general_kept : kept; }
};

// clang-format off
constexpr CellTraits kCellTraits[] = {
    // gates of W and R, group of R, first gate in W; slots of W and R; kept; gate function, activations;
    // cell state, fuses the projection, bypasses the gates, recurrent bias
    {CellKind::lstm, "lstm",
     4, 4, kGroup, 0, {0, kGroup}, {0, kGroup}, kLstmKept, 4, Function::sigmoid, 3, true, true, false, false},
    {CellKind::gru, "gru",
     3, 3, 3, kGruCandidate, {0, 3}, {1, 3}, kGruKept, 4, Function::sigmoid, 2, false, false, true, true},
    {CellKind::gru_reset_before, "gru_reset_before",
     3, 2, kGroup, kGruCandidate, {0, 3}, {1, 2}, kGruKept, 3, Function::sigmoid, 2, false, false, true, false},
    {CellKind::rnn_tanh, "rnn_tanh",
     1, 1, kGroup, 0, {0, kGroup}, {0, kGroup}, kRnnKept, 1, Function::tanh, 1, false, true, false, false},
    {CellKind::rnn_relu, "rnn_relu",
     1, 1, kGroup, 0, {0, kGroup}, {0, kGroup}, 0, 1, Function::relu, 1, false, true, false, false},
};
// clang-format on

constexpr bool are_in_order() {
    for (std::size_t number = 0; number < std::size(kCellTraits); ++number) {
        if (kCellTraits[number].kind != static_cast<CellKind>(number)) return false;
    }
    return true;
}
static_assert(are_in_order());

inline const CellTraits& traits(CellKind kind) { return kCellTraits[static_cast<std::size_t>(kind)]; }

inline CellKind cell_kind(const std::string& name) {
    if (name == "rnn") return CellKind::rnn_tanh;
    std::string valid;
    for (const CellTraits& cell : kCellTraits) {
        if (name == cell.name) return cell.kind;
        valid += "'" + std::string(cell.name) + "', ";
    }
    throw std::invalid_argument("cell must be " + valid + "or 'rnn', got '" + name + "'");
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

// What the standard kernels compute. A cell that differs in anything runs on the general ones.
inline CellOptions standard_options(CellKind kind) {
    CellOptions options;
    options.gates.function = traits(kind).gate_function;
    return options;
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
    if (traits(kind).gates != 1) return kind;
    return options.gates.function == Function::relu ? CellKind::rnn_relu : CellKind::rnn_tanh;
}

template <class T>
const Cell<T>& cell_kernels(const Kernels<T>& kernels, CellKind kind, bool general) {
    using Member = Cell<T> Kernels<T>::*;
    constexpr Member kMembers[][2] = {
        {&Kernels<T>::lstm, &Kernels<T>::general_lstm},
        {&Kernels<T>::gru, &Kernels<T>::general_gru},
        {&Kernels<T>::gru_reset_before, &Kernels<T>::general_gru_reset_before},
        {&Kernels<T>::rnn_tanh, &Kernels<T>::general_rnn},
        {&Kernels<T>::rnn_relu, &Kernels<T>::general_rnn},
    };
    static_assert(std::size(kMembers) == std::size(kCellTraits));
    return kernels.*kMembers[static_cast<std::size_t>(kind)][general];
}

}  // namespace fastlstm
