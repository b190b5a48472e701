#include "array_check.hpp"

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

void check_dtype(const py::array& array, const char* name, const py::dtype& wanted) {
    if (!py::isinstance<py::array>(array)) {
        throw py::type_error(std::string(name) + " must be a NumPy array, got " +
                             py::str(py::type::of(array).attr("__name__")).cast<std::string>());
    }
    const py::dtype got = array.dtype();
    if (got.kind() != wanted.kind() || got.itemsize() != wanted.itemsize()) {
        throw py::type_error(std::string(name) + " must have dtype " + py::str(wanted).cast<std::string>() + ", got " +
                             py::str(got).cast<std::string>());
    }
}

void check_shape(const py::array& array, const char* name, const Shape& wanted) {
    const Shape got = shape_of(array);
    bool same = got.size() == wanted.size();
    for (std::size_t i = 0; same && i < got.size(); ++i) same = wanted[i] < 0 || wanted[i] == got[i];
    if (!same) {
        throw py::value_error(std::string(name) + " must have shape " + text_of(wanted) + ", got " + text_of(got));
    }
}

bool has_element_strides(const py::array& array) {
    if (array.size() == 0) return true;
    const char order = array.dtype().byteorder();
    if (order != '=' && order != '|') return false;
    constexpr int kAligned = 0x0100;  // NPY_ARRAY_ALIGNED
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

}  // namespace fastlstm
