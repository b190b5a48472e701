// _core.empty.
#include <pybind11/stl.h>

#include <memory>

#include "../layers/buffer.hpp"
#include "arrays.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

Index bytes_of(const Shape& shape, const py::dtype& dtype) {
    auto bytes = static_cast<Index>(dtype.itemsize());
    for (const py::ssize_t size : shape) {
        if (size < 0) throw py::value_error("shape must not be negative, got a size of " + std::to_string(size));
        bytes = checked_product(bytes, static_cast<Index>(size));
    }
    return bytes;
}

}  // namespace

py::array empty(const Shape& shape, const py::dtype& dtype) {
    const Index wanted = bytes_of(shape, dtype);
    if (wanted < static_cast<Index>(kLargeBlock)) return py::array(dtype, shape);
    auto memory = std::make_unique<Buffer<char>>(wanted, Held::by_caller);
    char* const data = memory->data();
    const py::capsule owner(memory.get(), [](void* held) { delete static_cast<Buffer<char>*>(held); });
    memory.release();
    return py::array(dtype, shape, data, owner);
}

void register_arrays(py::module_& module) { module.def("empty", &empty, py::arg("shape"), py::arg("dtype")); }

}  // namespace fastlstm
