// _core.forward, forward_training, backward and Tape: check, make views, release the GIL, call, return.
#include "array_check.hpp"
#include "handles.hpp"
#include "long_call.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

// Row lengths as the schedule wants them; ValueError outside 0..steps, TypeError unless whole numbers.
std::vector<Index> checked_lengths(const py::object& object, Index rows, Index steps) {
    const auto given = py::reinterpret_borrow<py::array>(object);
    if (!py::isinstance<py::array>(object) || (given.dtype().kind() != 'i' && given.dtype().kind() != 'u')) {
        throw py::type_error(
            "lengths must be an array of whole numbers, got " +
            py::repr(py::isinstance<py::array>(object) ? py::object(given.dtype()) : object).cast<std::string>());
    }
    check_shape(given, "lengths", {static_cast<py::ssize_t>(rows)});
    const auto dense = py::array_t<Index, py::array::c_style | py::array::forcecast>::ensure(given);
    std::vector<Index> lengths(dense.data(), dense.data() + rows);
    for (Index row = 0; row < rows; ++row) {
        const Index length = lengths[static_cast<std::size_t>(row)];
        if (length < 0 || length > steps) {
            throw py::value_error("lengths must lie between 0 and the number of steps " + std::to_string(steps) +
                                  ", got " + std::to_string(length) + " in row " + std::to_string(row));
        }
    }
    return lengths;
}

void refuse_cell_state(const char* name, const py::object& state, CellKind kind) {
    if (!has_cell_state(kind) && !state.is_none()) {
        throw py::value_error(std::string(name) + " must be None: a " + cell_name(kind) + " layer has no cell state");
    }
}

template <class T>
py::array optional_output(const py::object& object, const char* name, const Shape& shape, bool last_axis_dense) {
    return object.is_none() ? py::array() : usable_output<T>(object, name, shape, last_axis_dense);
}

// The schedule that lengths or mask ask for; all steps if neither does.
Schedule make_schedule(const py::object& lengths, const py::object& mask, Index steps, Index rows, bool reverse) {
    if (lengths.is_none() && mask.is_none()) return Schedule(steps, rows, reverse);
    if (mask.is_none()) return Schedule(steps, rows, checked_lengths(lengths, rows, steps).data(), reverse);
    if (!lengths.is_none()) throw py::value_error("give either lengths or mask, got both");
    const py::array dense =
        dense_input<bool>(mask, "mask", {static_cast<py::ssize_t>(steps), static_cast<py::ssize_t>(rows)});
    return Schedule(steps, rows, static_cast<const bool*>(dense.data()), reverse);
}

struct ForwardInputs {
    const py::object &x, &h_0, &c_0, &y, &lengths;
    bool reverse;
    const py::object& mask;
};

template <class T>
py::tuple run_forward(const std::shared_ptr<const Weights<T>>& weights, const ForwardInputs& in, bool training) {
    const py::ssize_t H = weights->hidden_size;
    const py::array x = usable_input<T>(in.x, "x", {-1, -1, static_cast<py::ssize_t>(weights->input_size)}, true);
    const py::ssize_t steps = x.shape(0), rows = x.shape(1);
    refuse_cell_state("c_0", in.c_0, weights->kind);
    const py::array h_0 = dense_input<T>(in.h_0, "h_0", {rows, H}), c_0 = dense_input<T>(in.c_0, "c_0", {rows, H});
    py::array y = optional_output<T>(in.y, "y", {steps, rows, H}, true);
    const Schedule schedule = make_schedule(in.lengths, in.mask, steps, rows, in.reverse);

    py::array_t<T> h_n({rows, H});
    py::object c_n = py::none();
    ForwardArrays<T> arrays{};
    arrays.x = sequence_view<T>(x);
    arrays.h_0 = data_or_null<T>(in.h_0, h_0);
    arrays.c_0 = data_or_null<T>(in.c_0, c_0);
    arrays.h_n = h_n.mutable_data();
    if (!in.y.is_none()) arrays.y = mutable_sequence_view<T>(y);
    if (has_cell_state(weights->kind)) {
        py::array_t<T> state({rows, H});
        arrays.c_n = state.mutable_data();
        c_n = std::move(state);
    }
    if (!training) {
        without_gil([&] { return forward<T>(*weights, schedule, arrays, nullptr, signal_waiting); });
        return py::make_tuple(h_n, c_n);
    }
    auto held = std::make_shared<HeldTape<T>>(HeldTape<T>{{weights, schedule, arrays.x, {}, {}, {}, {}}, steps, x});
    without_gil([&] { return forward<T>(*weights, schedule, arrays, &held->tape, signal_waiting); });
    return py::make_tuple(h_n, c_n, TapeHandle{std::shared_ptr<const HeldTape<T>>(std::move(held))});
}

struct BackwardInputs {
    const py::object &dy, &dh_n, &dc_n, &dx, &dweight_ih, &dweight_hh, &dbias, &drecurrent_bias;
};

template <class T>
py::tuple run_backward(const HeldTape<T>& held, const BackwardInputs& in) {
    const Weights<T>& weights = *held.tape.weights;
    const py::ssize_t H = weights.hidden_size, I = weights.input_size;
    const py::ssize_t steps = held.steps, rows = held.tape.schedule.rows();
    const py::ssize_t columns = H * static_cast<py::ssize_t>(gate_count(weights.kind));
    refuse_cell_state("dc_n", in.dc_n, weights.kind);
    const py::array dy = in.dy.is_none() ? py::array() : usable_input<T>(in.dy, "dy", {steps, rows, H}, true);
    const py::array dh_n = dense_input<T>(in.dh_n, "dh_n", {rows, H}),
                    dc_n = dense_input<T>(in.dc_n, "dc_n", {rows, H});
    py::array dx = optional_output<T>(in.dx, "dx", {steps, rows, I}, true);
    py::array dweight_ih = optional_output<T>(in.dweight_ih, "dweight_ih", {columns, I}, false);
    py::array dweight_hh = optional_output<T>(in.dweight_hh, "dweight_hh", {columns, H}, false);
    py::array dbias = optional_output<T>(in.dbias, "dbias", {columns}, true);
    py::array drecurrent_bias = optional_output<T>(in.drecurrent_bias, "drecurrent_bias", {columns}, true);

    py::array_t<T> dh_0({rows, H});
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
    arrays.dh_0 = dh_0.mutable_data();
    if (has_cell_state(weights.kind)) {
        py::array_t<T> state({rows, H});
        arrays.dc_0 = state.mutable_data();
        dc_0 = std::move(state);
    }
    without_gil([&] { return backward<T>(held.tape, arrays, signal_waiting); });
    return py::make_tuple(dh_0, dc_0);
}

template <bool training>
py::tuple forward_entry(const WeightsHandle& handle, const py::object& x, const py::object& h_0, const py::object& c_0,
                        const py::object& y, const py::object& lengths, bool reverse, const py::object& mask) {
    const ForwardInputs inputs{x, h_0, c_0, y, lengths, reverse, mask};
    return std::visit([&](const auto& weights) { return run_forward(weights, inputs, training); }, handle.weights);
}

py::tuple backward_entry(const TapeHandle& handle, const py::object& dy, const py::object& dh_n, const py::object& dc_n,
                         const py::object& dx, const py::object& dweight_ih, const py::object& dweight_hh,
                         const py::object& dbias, const py::object& drecurrent_bias) {
    const BackwardInputs inputs{dy, dh_n, dc_n, dx, dweight_ih, dweight_hh, dbias, drecurrent_bias};
    return std::visit([&](const auto& held) { return run_backward(*held, inputs); }, handle.held);
}

template <bool training>
void define_forward(py::module_& module, const char* name) {
    module.def(name, &forward_entry<training>, py::arg("weights"), py::arg("x"), py::arg("h_0") = py::none(),
               py::arg("c_0") = py::none(), py::arg("y") = py::none(), py::arg("lengths") = py::none(),
               py::arg("reverse") = false, py::arg("mask") = py::none());
}

}  // namespace

void register_sequence(py::module_& module) {
    py::class_<TapeHandle>(module, "Tape").def_property_readonly("nbytes", [](const TapeHandle& handle) {
        return std::visit([](const auto& held) { return held->tape.bytes(); }, handle.held);
    });
    define_forward<false>(module, "forward");
    define_forward<true>(module, "forward_training");
    module.def("backward", &backward_entry, py::arg("tape"), py::arg("dy") = py::none(), py::arg("dh_n") = py::none(),
               py::arg("dc_n") = py::none(), py::arg("dx") = py::none(), py::arg("dweight_ih") = py::none(),
               py::arg("dweight_hh") = py::none(), py::arg("dbias") = py::none(),
               py::arg("drecurrent_bias") = py::none());
}

}  // namespace fastlstm
