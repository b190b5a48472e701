#include "sequence_arguments.hpp"

namespace fastlstm {

namespace {

// Whole numbers of either sign, looked at as what they are: a cast would show 2**63 as negative.
template <class Whole>
std::vector<Index> lengths_within(const py::array& given, Index rows, Index steps) {
    const py::array dense = without_gaps<Whole>(given);
    const auto* numbers = static_cast<const Whole*>(dense.data());
    for (Index row = 0; row < rows; ++row) {
        if (numbers[row] >= 0 && numbers[row] <= static_cast<Whole>(steps)) continue;
        throw py::value_error("lengths must lie between 0 and the number of steps " + std::to_string(steps) + ", got " +
                              std::to_string(numbers[row]) + " in row " + std::to_string(row));
    }
    return std::vector<Index>(numbers, numbers + rows);
}

// Row lengths as the schedule wants them; ValueError outside 0..steps, TypeError unless whole numbers.
std::vector<Index> checked_lengths(const py::object& object, Index rows, Index steps) {
    const auto given = py::reinterpret_borrow<py::array>(object);
    if (!py::isinstance<py::array>(object) || (given.dtype().kind() != 'i' && given.dtype().kind() != 'u')) {
        throw py::type_error(
            "lengths must be an array of whole numbers, got " +
            py::repr(py::isinstance<py::array>(object) ? py::object(given.dtype()) : object).cast<std::string>());
    }
    check_shape(given, "lengths", {static_cast<py::ssize_t>(rows)});
    return given.dtype().kind() == 'u' ? lengths_within<std::uint64_t>(given, rows, steps)
                                       : lengths_within<std::int64_t>(given, rows, steps);
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
    if (!traits(kind).has_cell_state && !state.is_none()) {
        throw py::value_error(name + " must be None: a " + traits(kind).name + " layer has no cell state");
    }
}

}  // namespace fastlstm
