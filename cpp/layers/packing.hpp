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
    Index group = kGroup;  // vectors of a group
    Index first_gate = 0;  // gate of vector 0; the others follow in turn
    // Vectors of a gate. Every visit asks for sizes, and a division takes as long as a product of some vectors.
    Index blocks = divide_up(size, lanes);

    Index vectors() const { return gates * blocks; }
    Index columns() const { return vectors() * lanes; }
    Index groups() const { return divide_up(vectors(), group); }

    // Column of lane 0 of a vector within the stacked gates, and how many of its lanes are real.
    Index gate(Index vector) const { return (vector + first_gate) % gates; }
    Index column(Index vector) const { return gate(vector) * size + vector / gates * lanes; }
    Index real_lanes(Index vector) const {
        const Index left = size - vector / gates * lanes;
        return left < lanes ? left : lanes;
    }
    // Offset of (k, vector, lane 0) in a packed matrix of k_total rows.
    Index packed_offset(Index k_total, Index k, Index vector) const {
        const Index begin = vector / group * group, left = vectors() - begin;
        const Index width = left < group ? left : group;
        return (begin * k_total + k * width + vector - begin) * lanes;
    }
};

// Multiply-adds in the time of bringing a number of a matrix to another place.
constexpr double kMovedNumber = 20;

// packed[k][vector][lane] = weight(column, k), for k_total values of k
template <class T>
Buffer<T> pack(const Kernels<T>& kernels, const Layout& layout, Index k_total, const MatrixView<const T>& weight);

constexpr Index kNoGate = -1;

// packed[vector][lane] += bias(column), for every gate but `without`; nothing if bias is null
template <class T>
void add_bias(const Buffer<T>& packed, const Layout& layout, const T* bias, Index without = kNoGate);

}  // namespace fastlstm
