#include "array_check.hpp"

#include <cstdint>
#include <cstdlib>
#include <utility>

namespace fastlstm {

std::string text_of(const Shape& shape) {
    std::string text = "(";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (i) text += ", ";
        text += shape[i] < 0 ? "any" : std::to_string(shape[i]);
    }
    return text + (shape.size() == 1 ? ",)" : ")");
}

Shape shape_of(const py::array& array) { return Shape(array.shape(), array.shape() + array.ndim()); }

std::string layout_of(const py::array& array) {
    const char* const aligned = array.flags() & kAligned ? "" : ", not aligned";
    return py::str("strides {} of dtype '{}'{}").format(array.attr("strides"), array.dtype().attr("str"), aligned);
}

namespace {

bool holds(const py::array& array, const py::dtype& wanted) {
    if (!py::isinstance<py::array>(array)) return false;
    const py::dtype got = array.dtype();
    return got.kind() == wanted.kind() && got.itemsize() == wanted.itemsize();
}

}  // namespace

void check_dtype(const py::array& array, const char* name, const py::dtype& wanted) {
    if (holds(array, wanted)) return;
    if (!py::isinstance<py::array>(array)) {
        throw py::type_error(std::string(name) + " must be a NumPy array, got " +
                             py::str(py::type::of(array).attr("__name__")).cast<std::string>());
    }
    throw py::type_error(std::string(name) + " must have dtype " + py::str(wanted).cast<std::string>() + ", got " +
                         py::str(array.dtype()).cast<std::string>());
}

py::array array_of(const py::object& object, const char* name, const py::dtype& wanted) {
    auto array = py::reinterpret_borrow<py::array>(object);
    if (holds(array, wanted)) return array;
    const bool is_bfloat16 =  // a dtype of another package
        py::isinstance<py::array>(object) && py::str(array.dtype()).equal(py::str("bfloat16"));
    if (is_bfloat16 && wanted.itemsize() == sizeof(float)) return array.attr("astype")(wanted);
    check_dtype(array, name, wanted);
    return array;
}

void check_shape(const py::array& array, const char* name, const Shape& wanted) {
    bool same = static_cast<std::size_t>(array.ndim()) == wanted.size();
    for (std::size_t i = 0; same && i < wanted.size(); ++i) same = wanted[i] < 0 || wanted[i] == array.shape()[i];
    if (!same) {
        throw py::value_error(std::string(name) + " must have shape " + text_of(wanted) + ", got " +
                              text_of(shape_of(array)));
    }
}

bool has_element_strides(const py::array& array) {
    if (array.size() == 0) return true;
    const char order = array.dtype().byteorder();
    if (order != '=' && order != '|') return false;
    if (!(array.flags() & kAligned)) return false;
    for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
        if (array.strides(axis) % array.itemsize() != 0) return false;
    }
    return true;
}

bool has_dense_last_axis(const py::array& array) {
    const py::ssize_t last = array.ndim() - 1;
    return array.size() == 0 || array.shape(last) == 1 || array.strides(last) == array.itemsize();
}

bool may_share_memory(const py::array& a, const py::array& b) {
    if (a.size() == 0 || b.size() == 0) return false;
    const auto bytes_of = [](const py::array& array) {
        auto first = reinterpret_cast<std::intptr_t>(array.data()), end = first + array.itemsize();
        for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
            const py::ssize_t reach = (array.shape(axis) - 1) * array.strides(axis);
            (reach < 0 ? first : end) += reach;
        }
        return std::pair{first, end};
    };
    const auto [a_first, a_end] = bytes_of(a);
    const auto [b_first, b_end] = bytes_of(b);
    return a_first < b_end && b_first < a_end;
}

bool has_elements_apart(const py::array& array) {
    if (array.size() == 0) return true;
    for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
        // The farthest that all axes of smaller strides reach together must lie below this axis' stride.
        const py::ssize_t stride = std::abs(array.strides(axis));
        py::ssize_t reach = array.itemsize();
        for (py::ssize_t other = 0; other < array.ndim(); ++other) {
            const py::ssize_t step = std::abs(array.strides(other));
            const bool inner = step < stride || (step == stride && other > axis);
            if (inner) reach += (array.shape(other) - 1) * step;
        }
        if (array.shape(axis) > 1 && stride < reach) return false;
    }
    return true;
}

}  // namespace fastlstm
