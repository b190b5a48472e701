// One visit of a layer, forward: what a walk over a sequence and a step of a stream have in common.
#pragma once

#include <algorithm>

#include "plan.hpp"
#include "weights.hpp"

namespace fastlstm {

// The arguments of a visit that are the layer's own. The projection of the inputs is the kernel's if x is given later.
template <class T>
CellForwardArgs<T> visit_arguments(const Weights<T>& weights) {
    CellForwardArgs<T> args{};
    args.hidden_size = weights.hidden_size;
    args.state_size = weights.state_size;
    args.packed_hh = weights.packed_hh();
    args.packed_candidate = weights.packed_candidate();
    args.recurrent_bias = weights.recurrent_bias();
    args.input_size = weights.input_size;
    args.packed_ih = weights.packed_ih();
    args.bias = weights.bias();
    args.options = &weights.options;
    args.peepholes = weights.peepholes();
    return args;
}

// z = bias + x W for rows of inputs, a thread's range of the columns.
template <class T>
void project_inputs(const Weights<T>& weights, const T* const* x, Index rows, const Rounding& rounded,
                    const Range& groups, T* const* z) {
    const Index I = weights.input_size;
    weights.kernels.product({x, rows, I, I, 0, rounded, weights.packed_ih(), weights.bias(), groups.begin, groups.end,
                             z, weights.gates.columns()});
}

// h = units W_hr^T, a thread's range of the numbers of h.
template <class T>
void project_units(const Weights<T>& weights, const T* const* units, Index rows, const Rounding& rounded,
                   const Range& groups, T* const* h) {
    const Index H = weights.hidden_size;
    weights.kernels.product({units, rows, H, H, 0, rounded, weights.packed_projection(), nullptr, groups.begin,
                             groups.end, h, weights.states.columns()});
}

// For the left rows of a thread's recurrent products and projections, of so many rows.
template <class T>
RoundedRows<T> rounded_states(const Weights<T>& weights, Index rows) {
    return {weights.kernels, rows, std::max(weights.state_size, weights.hidden_size)};
}

// Runs the cell on a thread's groups. After each phase there is a barrier for the threads that share a row's units.
template <class T, class Barrier>
void run_cell(CellForwardArgs<T>& args, const Cell<T>& cell, const Range& gates, const Range& units,
              const Barrier& barrier) {
    args.group_begin = gates.begin;
    args.group_end = gates.end;
    cell.forward[0](args);
    barrier();
    if (!cell.forward[1]) return;
    args.group_begin = units.begin;
    args.group_end = units.end;
    cell.forward[1](args);
    barrier();
}

}  // namespace fastlstm
