// Every cell with every option it may have, without sizes.
#pragma once

#include <string>
#include <vector>

#include "layers/cell.hpp"

namespace fastlstm {

enum class Valid { all, lengths, mask };  // which steps are valid

struct Sizes {
    Index T, N, I, H, P;  // P counts only where the case is projected
};

struct Case {
    std::string name;
    CellKind kind;
    CellOptions options;
    bool projected = false, peepholes = false, recurrent_masks = false;
    bool reverse = false;
    Valid valid = Valid::all;
    bool other_order = false;  // x, y as (N, T, size) and weights as (I, G*H)
    Precision precision = Precision::full;
};

constexpr CellKind kCells[] = {CellKind::lstm, CellKind::gru, CellKind::gru_reset_before, CellKind::rnn_tanh,
                               CellKind::rnn_relu};

// A cell as it comes out of the box.
inline Case standard(CellKind kind) { return {traits(kind).name, kind, standard_options(kind)}; }

inline Case with_other_activations(CellKind kind) {
    Case made = standard(kind);
    made.name += " with other activations and a clip";
    made.options.gates.function = Function::hard_sigmoid;
    made.options.gates.alpha = 0.2, made.options.gates.beta = 0.5;
    made.options.candidate.function = Function::softsign;
    made.options.output.function = Function::elu;
    made.options.output.alpha = 1;
    made.options.clip = 0.75;
    return made;
}

inline Case projected_lstm() {
    Case made = standard(CellKind::lstm);
    made.name += " with a projection";
    made.projected = true;
    return made;
}

// What only an LSTM has.
inline std::vector<Case> lstm_options() {
    std::vector<Case> cases(3, standard(CellKind::lstm));
    cases[0].name += " with peepholes";
    cases[0].peepholes = true;
    cases[1].name += " with coupled gates";
    cases[1].options.input_forget = true;
    cases[2].name += " with a projection, peepholes and coupled gates";
    cases[2].projected = cases[2].peepholes = cases[2].options.input_forget = true;
    cases.push_back(projected_lstm());
    return cases;
}

inline std::vector<Case> cases_of(CellKind kind) {
    std::vector<Case> cases{standard(kind), with_other_activations(kind), standard(kind)};
    cases[2].name += " with recurrent masks";
    cases[2].recurrent_masks = true;
    if (kind != CellKind::lstm) return cases;
    for (Case& more : lstm_options()) cases.push_back(std::move(more));
    return cases;
}

inline std::vector<Case> all_cases() {
    std::vector<Case> cases;
    for (const CellKind kind : kCells) {
        for (Case& made : cases_of(kind)) cases.push_back(std::move(made));
    }
    return cases;
}

// The way number `way` of kWays through a sequence: direction, valid steps and order of the axes.
constexpr int kWays = 6;
inline Case on_way(Case made, int way) {
    made.reverse = way % 2 == 1;
    made.valid = static_cast<Valid>(way % 3);
    made.other_order = way / 2 % 2 == 1;
    const char* valid[] = {"", ", lengths", ", a mask"};
    made.name +=
        std::string(made.reverse ? ", reverse" : "") + valid[way % 3] + (made.other_order ? ", batch first" : "");
    return made;
}

// Each case on a way of its own.
inline std::vector<Case> on_some_way(std::vector<Case> cases) {
    int number = 0;
    for (Case& made : cases) made = on_way(made, number++ % kWays);
    return cases;
}
inline std::vector<Case> all_cases_on_some_way() { return on_some_way(all_cases()); }

}  // namespace fastlstm
