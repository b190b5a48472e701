// _core.empty and _core.same_bytes.
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

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

constexpr py::ssize_t kBytesWorthReleasing = 500'000;  // ten microseconds or so

// Memory of two arrays, in C order; null where they are as large as each other but in one there is no such order.
struct Pair {
    const void *a, *b;
    py::ssize_t bytes;
};

Pair pair_of(const py::array& a, const py::array& b) {
    const bool alike =
        a.ndim() == b.ndim() && a.itemsize() == b.itemsize() && std::equal(a.shape(), a.shape() + a.ndim(), b.shape());
    const bool in_order = (a.flags() & b.flags() & py::array::c_style) != 0;
    return alike && in_order ? Pair{a.data(), b.data(), a.nbytes()} : Pair{nullptr, nullptr, 0};
}

bool same_bytes(const std::vector<py::array>& a, const std::vector<py::array>& b) {
    if (a.size() != b.size()) return false;
    std::vector<Pair> pairs;
    py::ssize_t bytes = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        pairs.push_back(pair_of(a[i], b[i]));
        if (!pairs.back().a) return false;
        bytes += pairs.back().bytes;
    }
    std::optional<py::gil_scoped_release> released;
    if (bytes > kBytesWorthReleasing) released.emplace();
    return std::all_of(pairs.begin(), pairs.end(), [](const Pair& pair) {
        return std::memcmp(pair.a, pair.b, static_cast<std::size_t>(pair.bytes)) == 0;
    });
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

void register_arrays(py::module_& module) {
    module.def("empty", &empty, py::arg("shape"), py::arg("dtype"));
    module.def("same_bytes", &same_bytes, py::arg("a"), py::arg("b"));
}

}  // namespace fastlstm
