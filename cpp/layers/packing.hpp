// Matrices cut into panels for the kernels (the form is told in kernel_table.hpp).
#pragma once

#include <cstdint>
#include <utility>

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
        const Index remaining = size - vector / gates * lanes;
        return remaining < lanes ? remaining : lanes;
    }
    // Offset of (k, vector, lane 0) in a packed matrix of k_total rows.
    Index packed_offset(Index k_total, Index k, Index vector) const {
        const Index begin = vector / group * group, remaining = vectors() - begin;
        const Index width = remaining < group ? remaining : group;
        return (begin * k_total + k * width + vector - begin) * lanes;
    }
};

// Multiply-adds in the time of bringing a number of a matrix to another place.
constexpr double kMovedNumber = 20;

// A matrix as the kernels of a precision read it.
template <class T>
class PackedMatrix {
public:
    PackedMatrix() = default;
    // In full precision, from numbers in panels.
    explicit PackedMatrix(Buffer<T> full) : full_(std::move(full)) {}
    PackedMatrix(Buffer<std::uint8_t> reduced, Buffer<T> scales)
        : reduced_(std::move(reduced)), scales_(std::move(scales)) {}

    explicit operator bool() const { return full_ || reduced_; }
    Packed<T> view() const {
        return {full_ ? static_cast<const void*>(full_.data()) : reduced_.data(), scales_.data()};
    }
    const Buffer<T>& full() const { return full_; }
    Index bytes() const { return static_cast<Index>(sizeof(T)) * (full_.size() + scales_.size()) + reduced_.size(); }

private:
    Buffer<T> full_;
    Buffer<std::uint8_t> reduced_;
    Buffer<T> scales_;
};

// A matrix of k_total rows, in panels of full precision, as the kernels read it; and back, where they train.
template <class T>
PackedMatrix<T> in_precision(const Kernels<T>& kernels, const Layout& layout, Index k_total, Buffer<T> full);
template <class T>
Buffer<T> in_full(const Kernels<T>& kernels, const Layout& layout, Index k_total, const PackedMatrix<T>& matrix);

// packed[k][vector][lane] = weight(column, k), for k_total values of k, in the precision of the kernels
template <class T>
PackedMatrix<T> pack(const Kernels<T>& kernels, const Layout& layout, Index k_total, const MatrixView<const T>& weight);

// Memory of one thread for the left rows of products, which a reduced precision rounds; none in full precision.
template <class T>
class RoundedRows {
public:
    RoundedRows() = default;
    // For so many rows of k numbers at most.
    RoundedRows(const Kernels<T>& kernels, Index rows, Index k) {
        if (!kernels.reduction) return;
        memory_ = Buffer<std::uint8_t>(kernels.reduction->left_bytes(rows, k));
        largest_ = kernels.reduction->largest;
    }

    // For outer sums with so many numbers of a row.
    static RoundedRows for_outer(const Kernels<T>& kernels, Index numbers) {
        RoundedRows rounded;
        if (kernels.reduction)
            rounded.memory_ = Buffer<std::uint8_t>(kernels.reduction->outer_bytes(numbers, kernels.lanes));
        return rounded;
    }

    Rounding rounding() const { return {memory_.data(), largest_}; }

private:
    Buffer<std::uint8_t> memory_;
    Index largest_ = 0;
};

constexpr Index kNoGate = -1;

// packed[vector][lane] += bias(column), for every gate but `without`; nothing if bias is null
template <class T>
void add_bias(const Buffer<T>& packed, const Layout& layout, const T* bias, Index without = kNoGate);

}  // namespace fastlstm
