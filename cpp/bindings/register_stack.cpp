// _core.forward_stack: layers and directions of one inference in one call.
#include <pybind11/stl.h>

#include "../layers/stack.hpp"
#include "handles.hpp"
#include "long_call.hpp"
#include "register.hpp"
#include "sequence_arguments.hpp"

namespace fastlstm {

namespace {

using States = std::vector<std::pair<py::object, py::object>>;  // h_0 and c_0 of every layer and direction

struct StackInputs {
    const std::vector<const WeightsHandle*>& weights;
    const py::object& x;
    const std::optional<States>& states;
    const std::vector<py::object>& y;
    const py::object &lengths, &mask;
};

std::string place(std::size_t i) { return "[" + std::to_string(i) + "]"; }

template <class T>
using SharedWeights = std::shared_ptr<const Weights<T>>;

// The weights of all layers, which fit together: a layer takes what those of the layer below give, side by side.
// Shared, as the caller's list may change meanwhile.
template <class T>
std::vector<SharedWeights<T>> fitting_weights(const std::vector<const WeightsHandle*>& handles,
                                              std::size_t directions) {
    std::vector<SharedWeights<T>> weights;
    Index inputs = 0, outputs = 0;
    for (std::size_t i = 0; i < handles.size(); ++i) {
        const auto* same = std::get_if<SharedWeights<T>>(&handles[i]->weights);
        if (!same) throw py::type_error("weights must all have the same dtype");
        weights.push_back(*same);
        if (i % directions == 0) {
            inputs = i == 0 ? weights[0]->input_size : outputs;
            outputs = 0;
        }
        outputs += weights[i]->state_size;
        if (weights[i]->input_size != inputs) {
            throw py::value_error("weights" + place(i) + " must have input size " + std::to_string(inputs) + ", got " +
                                  std::to_string(weights[i]->input_size));
        }
    }
    return weights;
}

template <class T>
py::list run_stack(const SharedWeights<T>& first, const StackInputs& in) {
    const std::size_t directions = in.y.size();
    const std::vector<SharedWeights<T>> weights = fitting_weights<T>(in.weights, directions);
    py::array x = usable_input<T>(in.x, "x", {-1, -1, static_cast<py::ssize_t>(first->input_size)}, true);
    const py::ssize_t steps = x.shape(0), rows = x.shape(1);
    std::vector<Schedule> schedules;
    for (std::size_t d = 0; d < directions; ++d) {
        schedules.push_back(make_schedule(in.lengths, in.mask, steps, rows, d == 1));
    }

    std::vector<StateArrays<T>> states;
    std::vector<Pass<T>> passes;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const auto [h_0, c_0] = in.states ? (*in.states)[i] : std::pair<py::object, py::object>(py::none(), py::none());
        states.emplace_back(*weights[i], rows, h_0, c_0, place(i));
        passes.push_back({weights[i].get(), &schedules[i % directions], states.back().arrays()});
    }
    std::vector<py::array> outputs;
    for (std::size_t d = 0; d < directions; ++d) {
        Pass<T>& last = passes[passes.size() - directions + d];
        const Shape shape{steps, rows, static_cast<py::ssize_t>(last.output_size())};
        outputs.push_back(optional_output<T>(in.y[d], ("y" + place(d)).c_str(), shape, true));
        if (in.y[d].is_none()) continue;
        last.arrays.y = mutable_sequence_view<T>(outputs.back());
        x = apart_from(outputs.back(), x);
    }
    for (std::size_t d = 0; d < directions; ++d) passes[d].arrays.x = sequence_view<T>(x);
    without_gil([&] { return forward_stack<T>(passes, static_cast<Index>(directions), signal_waiting); });
    py::list final_states;
    for (const StateArrays<T>& state : states) final_states.append(py::make_tuple(state.h_n(), state.c_n()));
    return final_states;
}

py::list forward_stack_entry(const std::vector<const WeightsHandle*>& weights, const py::object& x,
                             const std::optional<States>& states, const std::vector<py::object>& y,
                             const py::object& lengths, const py::object& mask) {
    if (y.empty() || y.size() > 2) {
        throw py::value_error("y must hold one array or None for each of 1 or 2 directions, got " +
                              std::to_string(y.size()));
    }
    if (weights.empty() || weights.size() % y.size() != 0) {
        throw py::value_error("weights must hold " + std::to_string(y.size()) + " for each layer, got " +
                              std::to_string(weights.size()));
    }
    for (const WeightsHandle* handle : weights) {
        if (!handle) throw py::type_error("weights must all be Weights, got None");
    }
    if (states && states->size() != weights.size()) {
        throw py::value_error("states must hold a pair for each of " + std::to_string(weights.size()) +
                              " weights, got " + std::to_string(states->size()));
    }
    const StackInputs inputs{weights, x, states, y, lengths, mask};
    return std::visit([&](const auto& first) { return run_stack(first, inputs); }, weights.front()->weights);
}

}  // namespace

void register_stack(py::module_& module) {
    module.def("forward_stack", &forward_stack_entry, py::arg("weights"), py::arg("x"), py::arg("states"), py::arg("y"),
               py::arg("lengths") = py::none(), py::arg("mask") = py::none());
}

}  // namespace fastlstm
