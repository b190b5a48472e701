// The one place that looks at the element type of a caller's array and picks float or double.
#pragma once

#include <pybind11/numpy.h>

#include <string>

namespace fastlstm {

// Calls f(T()) with float or double as `array` holds; TypeError if it holds anything else.
template <class F>
auto with_element_type(const pybind11::array& array, const char* name, const F& f) {
    const pybind11::dtype dtype = array.dtype();
    if (dtype.kind() == 'f' && dtype.itemsize() == sizeof(float)) return f(float());
    if (dtype.kind() == 'f' && dtype.itemsize() == sizeof(double)) return f(double());
    throw pybind11::type_error(std::string(name) + " must have dtype float32 or float64, got " +
                               pybind11::str(dtype).cast<std::string>());
}

}  // namespace fastlstm
