// _core.forward, forward_training, backward and Tape: check, make views, release the GIL, call, return.
#include "../layers/checkpoints.hpp"
#include "handles.hpp"
#include "long_call.hpp"
#include "precisions.hpp"
#include "register.hpp"
#include "sequence_arguments.hpp"

namespace fastlstm {

namespace {

struct ForwardInputs {
    const py::object &x, &h_0, &c_0, &y, &lengths;
    bool reverse;
    const py::object &mask, &recurrent_masks;
    TapeBounds bounds;
};

template <class T>
py::tuple run_forward(const std::shared_ptr<const Weights<T>>& weights, const ForwardInputs& in, bool training) {
    const py::ssize_t H = weights->hidden_size, S = weights->state_size;
    const py::array given = usable_input<T>(in.x, "x", {-1, -1, static_cast<py::ssize_t>(weights->input_size)}, true);
    const py::ssize_t steps = given.shape(0), rows = given.shape(1);
    const StateArrays<T> states(*weights, rows, in.h_0, in.c_0);
    py::array y = optional_output<T>(in.y, "y", {steps, rows, S}, true);
    const py::array x = in.y.is_none() ? given : apart_from(y, given);
    if (training) refuse_for_training(weights->kernels);
    if (weights->projected() && !in.recurrent_masks.is_none()) {
        throw py::value_error("recurrent_masks must be None: they are not defined for a projected state");
    }
    const py::array masks = dense_input<T>(in.recurrent_masks, "recurrent_masks",
                                           {static_cast<py::ssize_t>(traits(weights->kind).gates), rows, H});
    Schedule schedule = make_schedule(in.lengths, in.mask, steps, rows, in.reverse);

    ForwardArrays<T> arrays = states.arrays();
    arrays.x = sequence_view<T>(x);
    arrays.recurrent_masks = data_or_null<T>(in.recurrent_masks, masks);
    if (!in.y.is_none()) arrays.y = mutable_sequence_view<T>(y);
    if (!training) {
        without_gil([&] { return forward<T>(*weights, schedule, arrays, nullptr, signal_waiting); });
        return py::make_tuple(states.h_n(), states.c_n());
    }
    std::vector<Index> kept = checkpoint_visits(schedule, *weights, arrays.recurrent_masks != nullptr, in.bounds);
    auto held = std::make_shared<HeldTape<T>>(HeldTape<T>{
        {weights, std::move(schedule), arrays.x, false, {}, {}, {}, {}, {}, {}, {std::move(kept), {}, {}}}, steps, x});
    Tape<T>& tape = held->tape;
    without_gil([&] { return forward<T>(*weights, tape.schedule, arrays, &tape, signal_waiting); });
    return py::make_tuple(states.h_n(), states.c_n(), TapeHandle{std::shared_ptr<const HeldTape<T>>(std::move(held))});
}

struct BackwardInputs {
    const py::object &dy, &dh_n, &dc_n, &dx, &dweight_ih, &dweight_hh, &dbias, &drecurrent_bias, &dweight_hr,
        &dpeepholes, &dh_norms, &dc_norms;
};

// A double for every step and row.
MatrixView<double> norms_view(const py::object& object, const char* name, const Shape& wanted) {
    if (object.is_none()) return {};
    py::array norms = usable_output<double>(object, name, wanted, false);
    return mutable_matrix_view<double>(norms);
}

template <class T>
py::tuple run_backward(const HeldTape<T>& held, const BackwardInputs& in) {
    const Weights<T>& weights = *held.tape.weights;
    const py::ssize_t H = weights.hidden_size, S = weights.state_size, I = weights.input_size;
    const py::ssize_t steps = held.steps, rows = held.tape.schedule.rows();
    const py::ssize_t columns = H * static_cast<py::ssize_t>(traits(weights.kind).gates);
    refuse_cell_state("dc_n", in.dc_n, weights.kind);
    refuse_cell_state("dc_norms", in.dc_norms, weights.kind);
    py::array dy = in.dy.is_none() ? py::array() : usable_input<T>(in.dy, "dy", {steps, rows, S}, true);
    const py::array dh_n = dense_input<T>(in.dh_n, "dh_n", {rows, S}),
                    dc_n = dense_input<T>(in.dc_n, "dc_n", {rows, H});
    py::array dx = optional_output<T>(in.dx, "dx", {steps, rows, I}, true);
    py::array dweight_ih = optional_output<T>(in.dweight_ih, "dweight_ih", {columns, I}, false);
    py::array dweight_hh = optional_output<T>(in.dweight_hh, "dweight_hh", {columns, S}, false);
    py::array dbias = optional_output<T>(in.dbias, "dbias", {columns}, true);
    py::array drecurrent_bias = optional_output<T>(in.drecurrent_bias, "drecurrent_bias", {columns}, true);
    if (!weights.projected() && !in.dweight_hr.is_none()) {
        throw py::value_error("dweight_hr must be None: the layer has no projection");
    }
    if (!weights.peepholes() && !in.dpeepholes.is_none()) {
        throw py::value_error("dpeepholes must be None: the layer has no peepholes");
    }
    py::array dweight_hr = optional_output<T>(in.dweight_hr, "dweight_hr", {S, H}, false);
    py::array dpeepholes = optional_output<T>(in.dpeepholes, "dpeepholes", {kPeepholes * H}, true);

    for (const py::array* output :
         {&dx, &dweight_ih, &dweight_hh, &dbias, &drecurrent_bias, &dweight_hr, &dpeepholes}) {
        if (may_share_memory(*output, held.x))
            throw py::value_error("gradients must not overlap x of the forward pass");
        dy = apart_from(*output, dy);
    }

    py::array_t<T> dh_0({rows, S});
    py::object dc_0 = py::none();
    BackwardArrays<T> arrays{};
    if (!in.dy.is_none()) arrays.dy = sequence_view<T>(dy);
    arrays.dh_n = data_or_null<T>(in.dh_n, dh_n);
    arrays.dc_n = data_or_null<T>(in.dc_n, dc_n);
    if (!in.dx.is_none()) arrays.dx = mutable_sequence_view<T>(dx);
    if (!in.dweight_ih.is_none()) arrays.dweight_ih = mutable_matrix_view<T>(dweight_ih);
    if (!in.dweight_hh.is_none()) arrays.dweight_hh = mutable_matrix_view<T>(dweight_hh);
    if (!in.dbias.is_none()) arrays.dbias = static_cast<T*>(dbias.mutable_data());
    if (!in.drecurrent_bias.is_none()) arrays.drecurrent_bias = static_cast<T*>(drecurrent_bias.mutable_data());
    if (!in.dweight_hr.is_none()) arrays.dweight_hr = mutable_matrix_view<T>(dweight_hr);
    if (!in.dpeepholes.is_none()) arrays.dpeepholes = static_cast<T*>(dpeepholes.mutable_data());
    arrays.dh_norms = norms_view(in.dh_norms, "dh_norms", {steps, rows});
    arrays.dc_norms = norms_view(in.dc_norms, "dc_norms", {steps, rows});
    arrays.dh_0 = dh_0.mutable_data();
    if (traits(weights.kind).has_cell_state) {
        py::array_t<T> state({rows, H});
        arrays.dc_0 = state.mutable_data();
        dc_0 = std::move(state);
    }
    without_gil([&] { return backward<T>(held.tape, arrays, signal_waiting); });
    return py::make_tuple(dh_0, dc_0);
}

py::tuple forward_entry(const WeightsHandle& handle, const py::object& x, const py::object& h_0, const py::object& c_0,
                        const py::object& y, const py::object& lengths, bool reverse, const py::object& mask) {
    const py::object none = py::none();
    const ForwardInputs inputs{x, h_0, c_0, y, lengths, reverse, mask, none, {}};
    return std::visit([&](const auto& weights) { return run_forward(weights, inputs, false); }, handle.weights);
}

py::tuple forward_training_entry(const WeightsHandle& handle, const py::object& x, const py::object& h_0,
                                 const py::object& c_0, const py::object& y, const py::object& lengths, bool reverse,
                                 const py::object& mask, const py::object& recurrent_masks, Index checkpoint_every,
                                 Index memory_limit) {
    if (checkpoint_every < 0) throw py::value_error("checkpoint_every must be at least 0");
    if (memory_limit < 0) throw py::value_error("memory_limit must be at least 0");
    const ForwardInputs inputs{
        x, h_0, c_0, y, lengths, reverse, mask, recurrent_masks, {checkpoint_every, memory_limit}};
    return std::visit([&](const auto& weights) { return run_forward(weights, inputs, true); }, handle.weights);
}

py::tuple backward_entry(const TapeHandle& handle, const py::object& dy, const py::object& dh_n, const py::object& dc_n,
                         const py::object& dx, const py::object& dweight_ih, const py::object& dweight_hh,
                         const py::object& dbias, const py::object& drecurrent_bias, const py::object& dweight_hr,
                         const py::object& dpeepholes, const py::object& dh_norms, const py::object& dc_norms) {
    const BackwardInputs inputs{
        dy, dh_n, dc_n, dx, dweight_ih, dweight_hh, dbias, drecurrent_bias, dweight_hr, dpeepholes, dh_norms, dc_norms};
    return std::visit([&](const auto& held) { return run_backward(*held, inputs); }, handle.held);
}

// What both kinds of forward take first.
template <class Entry, class... More>
void define_forward(py::module_& module, const char* name, const Entry& entry, const More&... more) {
    module.def(name, entry, py::arg("weights"), py::arg("x"), py::arg("h_0") = py::none(), py::arg("c_0") = py::none(),
               py::arg("y") = py::none(), py::arg("lengths") = py::none(), py::arg("reverse") = false,
               py::arg("mask") = py::none(), more...);
}

}  // namespace

void register_sequence(py::module_& module) {
    py::class_<TapeHandle>(module, "Tape").def_property_readonly("nbytes", [](const TapeHandle& handle) {
        return std::visit([](const auto& held) { return held->tape.bytes(); }, handle.held);
    });
    define_forward(module, "forward", &forward_entry);
    define_forward(module, "forward_training", &forward_training_entry, py::arg("recurrent_masks") = py::none(),
                   py::arg("checkpoint_every") = 0, py::arg("memory_limit") = 0);
    module.def("backward", &backward_entry, py::arg("tape"), py::arg("dy") = py::none(), py::arg("dh_n") = py::none(),
               py::arg("dc_n") = py::none(), py::arg("dx") = py::none(), py::arg("dweight_ih") = py::none(),
               py::arg("dweight_hh") = py::none(), py::arg("dbias") = py::none(),
               py::arg("drecurrent_bias") = py::none(), py::arg("dweight_hr") = py::none(),
               py::arg("dpeepholes") = py::none(), py::arg("dh_norms") = py::none(), py::arg("dc_norms") = py::none());
}

}  // namespace fastlstm
