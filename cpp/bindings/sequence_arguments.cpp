#include "sequence_arguments.hpp"

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

}  // namespace

Schedule make_schedule(const py::object& lengths, const py::object& mask, Index steps, Index rows, bool reverse) {
    if (lengths.is_none() && mask.is_none()) return Schedule(steps, rows, reverse);
    if (mask.is_none()) return Schedule(steps, rows, checked_lengths(lengths, rows, steps).data(), reverse);
    if (!lengths.is_none()) throw py::value_error("give either lengths or mask, got both");
    const py::array dense =
        dense_input<bool>(mask, "mask", {static_cast<py::ssize_t>(steps), static_cast<py::ssize_t>(rows)});
    return Schedule(steps, rows, static_cast<const bool*>(dense.data()), reverse);
}

void refuse_cell_state(const std::string& name, const py::object& state, CellKind kind) {
    if (!has_cell_state(kind) && !state.is_none()) {
        throw py::value_error(name + " must be None: a " + cell_name(kind) + " layer has no cell state");
    }
}

}  // namespace fastlstm
