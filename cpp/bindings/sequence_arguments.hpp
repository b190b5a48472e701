// What the calls over a sequence have in common: which steps are valid, and the states of a layer in one direction.
#pragma once

#include <string>

#include "../layers/sequence.hpp"
#include "array_check.hpp"

namespace fastlstm {

// The schedule that lengths or mask ask for; all steps if neither does.
Schedule make_schedule(const py::object& lengths, const py::object& mask, Index steps, Index rows, bool reverse);

void refuse_cell_state(const std::string& name, const py::object& state, CellKind kind);

template <class T>
py::array optional_output(const py::object& object, const char* name, const Shape& shape, bool last_axis_dense) {
    return object.is_none() ? py::array() : usable_output<T>(object, name, shape, last_axis_dense);
}

// Initial states as given and final states to be written: (N, S) and (N, H).
template <class T>
class StateArrays {
public:
    // place: what follows the names in messages.
    StateArrays(const Weights<T>& weights, py::ssize_t rows, const py::object& h_0, const py::object& c_0,
                const std::string& place = "") {
        const Shape h_shape{rows, static_cast<py::ssize_t>(weights.state_size)};
        const Shape c_shape{rows, static_cast<py::ssize_t>(weights.hidden_size)};
        refuse_cell_state("c_0" + place, c_0, weights.kind);
        h_0_ = dense_input<T>(h_0, ("h_0" + place).c_str(), h_shape);
        c_0_ = dense_input<T>(c_0, ("c_0" + place).c_str(), c_shape);
        h_n_ = py::array_t<T>(h_shape);
        arrays_.h_0 = data_or_null<T>(h_0, h_0_);
        arrays_.c_0 = data_or_null<T>(c_0, c_0_);
        arrays_.h_n = h_n_.mutable_data();
        if (!traits(weights.kind).has_cell_state) return;
        py::array_t<T> c_n(c_shape);
        arrays_.c_n = c_n.mutable_data();
        c_n_ = std::move(c_n);
    }

    const ForwardArrays<T>& arrays() const { return arrays_; }  // x and y are left empty
    const py::array& h_n() const { return h_n_; }
    const py::object& c_n() const { return c_n_; }  // None without a cell state

private:
    py::array h_0_, c_0_;
    py::array_t<T> h_n_;
    py::object c_n_ = py::none();
    ForwardArrays<T> arrays_{};
};

}  // namespace fastlstm
