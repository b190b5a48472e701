// The weights of one layer in one direction, packed for one instruction set. Immutable once made.
#pragma once

#include <mutex>

#include "cell.hpp"
#include "packing.hpp"

namespace fastlstm {

template <class T>
class Weights {
public:
    // weight_ih (G*H, I), weight_hh (G*H, H), bias: G*H numbers or null
    Weights(const KernelTable& packed_for, CellKind cell, Index inputs_per_step, Index hidden_units,
            MatrixView<const T> weight_ih, MatrixView<const T> weight_hh, const T* bias);

    const KernelTable& table;
    const CellKind kind;
    const Index input_size, hidden_size;
    const Layout gates;   // of the gate columns
    const Layout units;   // of the hidden units, as columns of R^T
    const Layout inputs;  // of the inputs, as columns of W^T

    const T* packed_ih() const { return packed_ih_.data(); }
    const T* packed_hh() const { return packed_hh_.data(); }
    const T* bias() const { return bias_.data(); }
    // Made from the packed weights when training first asks.
    const T* packed_ih_transposed() const;
    const T* packed_hh_transposed() const;
    Index bytes() const;

private:
    Buffer<T> transposed(const Buffer<T>& packed, const Layout& columns) const;

    Buffer<T> packed_hh_, packed_ih_, bias_;
    mutable std::mutex transposing_;
    mutable Buffer<T> packed_ih_transposed_, packed_hh_transposed_;
};

}  // namespace fastlstm
