// The weights of one layer in one direction, packed for one instruction set. Immutable once made.
#pragma once

#include <mutex>

#include "cell.hpp"
#include "packing.hpp"

namespace fastlstm {

template <class T>
class Weights {
public:
    // weight_ih (G*H, I), weight_hh (G*H, H), both biases: G*H numbers or null
    Weights(const KernelTable& packed_for, CellKind cell, Index inputs_per_step, Index hidden_units,
            MatrixView<const T> weight_ih, MatrixView<const T> weight_hh, const T* bias, const T* recurrent_bias);

    const KernelTable& table;
    const CellKind kind;
    const Index input_size, hidden_size;
    const Layout gates;      // of the gate columns of W
    const Layout recurrent;  // of the gate columns of R that h_prev is multiplied with
    const Layout units;      // of the hidden units, as columns of R^T
    const Layout inputs;     // of the inputs, as columns of W^T

    const T* packed_ih() const { return packed_ih_.data(); }
    const T* packed_hh() const { return packed_hh_.data(); }
    const T* packed_candidate() const { return packed_candidate_.data(); }  // R_n where it is apart, columns `units`
    // Of the input columns; holds what can be added of the recurrent bias.
    const T* bias() const { return bias_.data(); }
    // Hp numbers, or null where all of it could be added.
    const T* recurrent_bias() const { return recurrent_bias_.data(); }
    // Made from the packed weights when training first asks.
    const T* packed_ih_transposed() const;
    const T* packed_hh_transposed() const;
    const T* packed_candidate_transposed() const;
    // Groups of the gate gradients.
    Index slot_groups() const { return divide_up(gates.vectors(), input_slots(kind).count); }
    Index bytes() const;

private:
    Buffer<T> transposed(const Buffer<T>& packed, const Layout& rows, const Layout& columns) const;

    Buffer<T> packed_hh_, packed_ih_, packed_candidate_, bias_, recurrent_bias_;
    mutable std::mutex transposing_;
    mutable Buffer<T> packed_ih_transposed_, packed_hh_transposed_, packed_candidate_transposed_;
};

}  // namespace fastlstm
