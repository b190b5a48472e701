// Views of the caller's arrays: a pointer and strides in elements, nothing owned.
#pragma once

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// (rows, columns) with free strides.
template <class T>
struct MatrixView {
    T* data = nullptr;
    Index row_stride = 0, column_stride = 0;

    T& operator()(Index row, Index column) const { return data[row * row_stride + column * column_stride]; }
    explicit operator bool() const { return data != nullptr; }
};

// (T, N, size): the last axis has no gaps, the other two have free strides, so (T, N) and (N, T) order are both views.
// A ring of 2^k steps in place of T is one too.
template <class T>
struct SequenceView {
    T* data = nullptr;
    Index step_stride = 0, row_stride = 0;
    Index step_mask = -1;  // 2^k - 1 in a ring

    T* row(Index t, Index n) const { return data + (t & step_mask) * step_stride + n * row_stride; }
    explicit operator bool() const { return data != nullptr; }
};

// to[row] = first + row * pitch
template <class T, class To>
void point_to_rows(T* first, Index pitch, Index rows, To** to) {
    for (Index row = 0; row < rows; ++row) to[row] = first + row * pitch;
}

}  // namespace fastlstm
