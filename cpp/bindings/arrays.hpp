// NumPy arrays in memory that the next call finds again once they are dropped.
#pragma once

#include "array_check.hpp"

namespace fastlstm {

// As numpy.empty. A large array comes from the blocks kept for reuse. The C library may give freed memory back to the
// system, by what else was freed, and then a page fault for every 4 KB can take as long as computing the output.
py::array empty(const Shape& shape, const py::dtype& dtype);

}  // namespace fastlstm
