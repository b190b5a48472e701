// _core.empty: NumPy arrays in memory that the next call finds again once they are dropped.
#include <pybind11/stl.h>

#include <memory>
#include <new>

#include "../layers/buffer.hpp"
#include "array_check.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

struct LargeBlock {
    void* data;
    std::size_t bytes;
};

void free_block(void* owner) {
    const std::unique_ptr<LargeBlock> block(static_cast<LargeBlock*>(owner));
    free_large(block->data, block->bytes);
}

Index bytes_of(const Shape& shape, const py::dtype& dtype) {
    auto bytes = static_cast<Index>(dtype.itemsize());
    for (const py::ssize_t size : shape) {
        if (size < 0) throw py::value_error("shape must not be negative, got a size of " + std::to_string(size));
        bytes = checked_product(bytes, static_cast<Index>(size));
    }
    return bytes;
}

// As numpy.empty. A large array comes from the blocks kept for reuse. The C library may give freed memory back to the
// system, by what else was freed, and then a page fault for every 4 KB can take as long as computing the output.
py::array empty(const Shape& shape, const py::dtype& dtype) {
    const Index wanted = bytes_of(shape, dtype);
    if (wanted < static_cast<Index>(kLargeBlock)) return py::array(dtype, shape);
    auto block = std::make_unique<LargeBlock>(LargeBlock{nullptr, static_cast<std::size_t>(wanted)});
    block->data = allocate_large(block->bytes, Held::by_caller);
    if (!block->data) throw OutOfMemory(wanted);
    void* const data = block->data;
    const py::capsule owner(block.release(), &free_block);
    return py::array(dtype, shape, data, owner);
}

}  // namespace

void register_arrays(py::module_& module) { module.def("empty", &empty, py::arg("shape"), py::arg("dtype")); }

}  // namespace fastlstm
