// Calls of a problem: inference, and a training step.
#pragma once

#include "layers/checkpoints.hpp"
#include "results.hpp"
#include "threads.hpp"

namespace fastlstm {

// Who else is at work: alone a call waits until the pool has rested, so that it is a team's.
enum class Callers { one, many };

template <class T>
struct ForwardOutputs {
    explicit ForwardOutputs(const Problem<T>& problem) {
        const auto [T_, N, I, H, P] = problem.sizes;
        y = unwritten<T>(T_ * N * problem.S);
        h_n = unwritten<T>(N * problem.S);
        if (traits(problem.of.kind).has_cell_state) c_n = unwritten<T>(N * H);
    }
    Results<T> results() const { return without_empty<T>({{"y", y}, {"h_n", h_n}, {"c_n", c_n}}); }
    Numbers<T> y, h_n, c_n;
};

template <class T>
ForwardArrays<T> forward_arrays(const Problem<T>& problem, ForwardOutputs<T>& out) {
    ForwardArrays<T> arrays{};
    arrays.x = problem.template sequence<const T>(problem.x, problem.sizes.I);
    arrays.h_0 = problem.h_0.data();
    arrays.c_0 = data_or_null(problem.c_0);
    arrays.y = problem.template sequence<T>(out.y, problem.S);
    arrays.h_n = out.h_n.data();
    arrays.c_n = out.c_n.data();
    arrays.recurrent_masks = data_or_null(problem.recurrent_masks);
    return arrays;
}

template <class T>
Results<T> infer(const Problem<T>& problem, Callers callers = Callers::one) {
    ForwardOutputs<T> out(problem);
    if (callers == Callers::one) wait_for_the_pool();
    forward<T>(*problem.weights, problem.schedule, forward_arrays(problem, out), nullptr, {});
    return out.results();
}

template <class T>
struct BackwardOutputs {
    explicit BackwardOutputs(const Problem<T>& problem, bool norms = false) {
        const auto [T_, N, I, H, P] = problem.sizes;
        const Index columns = problem.G * H, S = problem.S;
        dx = unwritten<T>(T_ * N * I);
        dweight_ih = unwritten<T>(columns * I);
        dweight_hh = unwritten<T>(columns * S);
        dbias = unwritten<T>(columns);
        drecurrent_bias = unwritten<T>(columns);
        if (problem.of.projected) dweight_hr = unwritten<T>(P * H);
        if (problem.of.peepholes) dpeepholes = unwritten<T>(kPeepholes * H);
        dh_0 = unwritten<T>(N * S);
        if (traits(problem.of.kind).has_cell_state) dc_0 = unwritten<T>(N * H);
        if (norms) dh_norms = unwritten<double>(T_ * N);
        if (norms && traits(problem.of.kind).has_cell_state) dc_norms = unwritten<double>(T_ * N);
    }
    Results<T> results() const {
        return without_empty<T>({{"dx", dx},
                                 {"dweight_ih", dweight_ih},
                                 {"dweight_hh", dweight_hh},
                                 {"dbias", dbias},
                                 {"drecurrent_bias", drecurrent_bias},
                                 {"dweight_hr", dweight_hr},
                                 {"dpeepholes", dpeepholes},
                                 {"dh_0", dh_0},
                                 {"dc_0", dc_0},
                                 {"dh_norms", {dh_norms.begin(), dh_norms.end()}},
                                 {"dc_norms", {dc_norms.begin(), dc_norms.end()}}});
    }
    Numbers<T> dx, dweight_ih, dweight_hh, dbias, drecurrent_bias, dweight_hr, dpeepholes, dh_0, dc_0;
    Numbers<double> dh_norms, dc_norms;
};

template <class T>
BackwardArrays<T> backward_arrays(const Problem<T>& problem, BackwardOutputs<T>& out) {
    const auto [T_, N, I, H, P] = problem.sizes;
    const Index columns = problem.G * H;
    const bool other_order = problem.of.other_order;
    BackwardArrays<T> arrays{};
    arrays.dy = problem.template sequence<const T>(problem.dy, problem.S);
    arrays.dh_n = problem.dh_n.data();
    arrays.dc_n = data_or_null(problem.dc_n);
    arrays.dx = problem.template sequence<T>(out.dx, I);
    arrays.dweight_ih = matrix_of<T>(out.dweight_ih, columns, I, other_order);
    arrays.dweight_hh = matrix_of<T>(out.dweight_hh, columns, problem.S, other_order);
    arrays.dbias = out.dbias.data();
    arrays.drecurrent_bias = out.drecurrent_bias.data();
    if (problem.of.projected) arrays.dweight_hr = matrix_of<T>(out.dweight_hr, P, H, other_order);
    if (problem.of.peepholes) arrays.dpeepholes = out.dpeepholes.data();
    arrays.dh_0 = out.dh_0.data();
    arrays.dc_0 = out.dc_0.data();
    if (!out.dh_norms.empty()) arrays.dh_norms = matrix_of<double>(out.dh_norms, T_, N, other_order);
    if (!out.dc_norms.empty()) arrays.dc_norms = matrix_of<double>(out.dc_norms, T_, N, other_order);
    return arrays;
}

template <class T>
Tape<T> empty_tape(const Problem<T>& problem, const std::shared_ptr<const Weights<T>>& weights) {
    const SequenceView<const T> x = problem.template sequence<const T>(problem.x, problem.sizes.I);
    return {weights, problem.schedule, x, false, {}, {}, {}, {}, {}, {}};
}

// Forward and backward with these weights; the results of both.
template <class T>
Results<T> train_with(const Problem<T>& problem, const std::shared_ptr<const Weights<T>>& weights, Callers callers,
                      const TapeBounds& bounds = {}, bool norms = false) {
    ForwardOutputs<T> forward_out(problem);
    Tape<T> tape = empty_tape(problem, weights);
    tape.checkpoints.visits = checkpoint_visits(problem.schedule, *weights, !problem.recurrent_masks.empty(), bounds);
    if (callers == Callers::one) wait_for_the_pool();
    forward<T>(*weights, problem.schedule, forward_arrays(problem, forward_out), &tape, {});
    BackwardOutputs<T> out(problem, norms);
    if (callers == Callers::one) wait_for_the_pool();
    backward<T>(tape, backward_arrays(problem, out), {});
    Results<T> results = forward_out.results();
    for (auto& result : out.results()) results.push_back(std::move(result));
    return results;
}

// A training step as it is when weights have just been changed: everything that is made of them is new.
template <class T>
Results<T> train(const Problem<T>& problem, Callers callers = Callers::one, const TapeBounds& bounds = {},
                 bool norms = false) {
    if (callers == Callers::one) wait_for_the_pool();
    return train_with(problem, problem.pack(), callers, bounds, norms);
}

}  // namespace fastlstm
