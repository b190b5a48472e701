// Every check of a caller's array, in one place: element type, shape, layout; and views for the layers.
//
// Inputs: any strides; an array whose last axis has gaps, or that is not aligned or in this machine's byte order, is
// copied, and so is one that shares memory with an output. Outputs: written in place, so they must be as they should
// be.
#pragma once

#include <pybind11/numpy.h>

#include <string>
#include <vector>

#include "../layers/views.hpp"

namespace fastlstm {

namespace py = pybind11;
using Shape = std::vector<py::ssize_t>;

constexpr int kAligned = 0x0100;  // NPY_ARRAY_ALIGNED

std::string text_of(const Shape& shape);
Shape shape_of(const py::array& array);
// How an array lies in memory, for messages.
std::string layout_of(const py::array& array);

// TypeError unless `array` holds T; ValueError unless it has `shape` (-1: any).
void check_dtype(const py::array& array, const char* name, const py::dtype& wanted);
void check_shape(const py::array& array, const char* name, const Shape& wanted);

// The array of an object that holds `wanted`, as check_dtype asks; float32 numbers of one that holds bfloat16.
py::array array_of(const py::object& object, const char* name, const py::dtype& wanted);

// Whether T numbers can be reached by pointer steps: aligned, native byte order, strides a multiple of the size.
bool has_element_strides(const py::array& array);
bool has_dense_last_axis(const py::array& array);
// Whether no two elements share memory, as they can in views made by as_strided. Strided in ways that only a search
// could tell apart counts as sharing.
bool has_elements_apart(const py::array& array);

// Whether an element of one may lie in the memory of the other: it may if the stretches from first to last byte
// overlap.
bool may_share_memory(const py::array& a, const py::array& b);

// The array itself, or a copy of it, as C-contiguous, aligned numbers in this machine's byte order.
template <class T>
py::array without_gaps(const py::array& array) {
    return py::array_t<T, py::array::c_style | py::array::forcecast | kAligned>(py::object(array));
}

template <class T>
py::array usable_input(const py::object& object, const char* name, const Shape& wanted, bool last_axis_dense) {
    const py::array array = array_of(object, name, py::dtype::of<T>());
    check_shape(array, name, wanted);
    if ((!last_axis_dense || has_dense_last_axis(array)) && has_element_strides(array)) return array;
    return without_gaps<T>(array);
}

// An input of a call that writes `output` while it still reads.
inline py::array apart_from(const py::array& output, const py::array& input) {
    return may_share_memory(output, input) ? py::array(input.attr("copy")()) : input;
}

template <class T>
py::array usable_output(const py::object& object, const char* name, const Shape& wanted, bool last_axis_dense) {
    auto array = py::reinterpret_borrow<py::array>(object);
    check_dtype(array, name, py::dtype::of<T>());
    check_shape(array, name, wanted);
    if (!array.writeable()) throw py::value_error(std::string(name) + " must be writeable, got a read-only array");
    if ((last_axis_dense && !has_dense_last_axis(array)) || !has_element_strides(array)) {
        throw py::value_error(std::string(name) +
                              " must be aligned, in native byte order and have no gaps in its last axis, got " +
                              layout_of(array));
    }
    if (!has_elements_apart(array)) {
        throw py::value_error(std::string(name) + " must not overlap itself, got " + layout_of(array) +
                              ": two of its elements share memory");
    }
    return array;
}

template <class T>
Index stride(const py::array& array, py::ssize_t axis) {
    return static_cast<Index>(array.strides(axis)) / static_cast<Index>(sizeof(T));
}

template <class T>
SequenceView<const T> sequence_view(const py::array& array) {
    return {static_cast<const T*>(array.data()), stride<T>(array, 0), stride<T>(array, 1)};
}
template <class T>
SequenceView<T> mutable_sequence_view(py::array& array) {
    return {static_cast<T*>(array.mutable_data()), stride<T>(array, 0), stride<T>(array, 1)};
}
template <class T>
MatrixView<const T> matrix_view(const py::array& array) {
    return {static_cast<const T*>(array.data()), stride<T>(array, 0), stride<T>(array, 1)};
}
template <class T>
MatrixView<T> mutable_matrix_view(py::array& array) {
    return {static_cast<T*>(array.mutable_data()), stride<T>(array, 0), stride<T>(array, 1)};
}

// A C-contiguous array of T; `object` may be None, giving an empty one.
template <class T>
py::array dense_input(const py::object& object, const char* name, const Shape& wanted) {
    if (object.is_none()) return py::array();
    return without_gaps<T>(usable_input<T>(object, name, wanted, false));
}

template <class T>
const T* data_or_null(const py::object& object, const py::array& array) {
    return object.is_none() ? nullptr : static_cast<const T*>(array.data());
}

}  // namespace fastlstm
