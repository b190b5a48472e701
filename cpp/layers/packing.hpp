// Matrices cut into panels for the kernels (the form is told in kernel_table.hpp).
#pragma once

#include "buffer.hpp"
#include "views.hpp"

namespace fastlstm {

inline Index divide_up(Index n, Index by) { return (n + by - 1) / by; }

// How the columns of a matrix are cut into vectors and groups (see kernel_table.hpp).
struct Layout {
    Index gates;  // 1 for a plain matrix
    Index size;   // columns of one gate
    Index lanes;

    Index blocks() const { return divide_up(size, lanes); }
    Index padded_size() const { return blocks() * lanes; }
    Index vectors() const { return gates * blocks(); }
    Index columns() const { return vectors() * lanes; }
    Index groups() const { return divide_up(vectors(), kGroup); }

    // Column of lane 0 of a vector within the stacked gates, and how many of its lanes are real.
    Index column(Index vector) const { return vector % gates * size + vector / gates * lanes; }
    Index real_lanes(Index vector) const {
        const Index left = size - vector / gates * lanes;
        return left < lanes ? left : lanes;
    }
    // Offset of (k, vector, lane 0) in a packed matrix of k_total rows.
    Index packed_offset(Index k_total, Index k, Index vector) const {
        const Index group = vector / kGroup, left = vectors() - group * kGroup;
        const Index width = left < kGroup ? left : kGroup;
        return (group * kGroup * k_total + k * width + vector % kGroup) * lanes;
    }
};

// packed[k][vector][lane] = weight(column, k), for k_total values of k
template <class T>
Buffer<T> pack(const Layout& layout, Index k_total, const MatrixView<const T>& weight);

// layout.columns() numbers, zeros where there is no column or no bias
template <class T>
Buffer<T> pack_bias(const Layout& layout, const T* bias);

}  // namespace fastlstm
