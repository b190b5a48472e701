// The weights of one layer in one direction, packed for one instruction set. Immutable once made.
#pragma once

#include <atomic>
#include <optional>

#include "cell.hpp"
#include "packing.hpp"

namespace fastlstm {

// A cell and its parameters as the caller has them. S is the size of its state: H, or P with a projection.
template <class T>
struct CellParameters {
    CellKind kind = CellKind::lstm;
    Index input_size = 0, hidden_size = 0, state_size = 0;
    MatrixView<const T> weight_ih = {};       // (G*H, I)
    MatrixView<const T> weight_hh = {};       // (G*H, S)
    const T* bias = nullptr;                  // G*H numbers or null
    const T* recurrent_bias = nullptr;        // G*H numbers or null
    MatrixView<const T> weight_hr = {};       // (P, H) or empty: h = (o tanh(c)) weight_hr^T; LSTM
    const T* peepholes = nullptr;             // 3 * H numbers for i, f, o, or null; LSTM
    std::optional<CellOptions> options = {};  // none: the standard cell of the kind
};

// A matrix made when somebody first asks. Threads that ask at once may each make it, and all get the one that was done
// first: a lock would stay locked for ever in a child forked while another thread holds it.
template <class T>
class MadeOnce {
public:
    MadeOnce() = default;
    ~MadeOnce() { delete made_.load(); }
    MadeOnce(const MadeOnce&) = delete;
    MadeOnce& operator=(const MadeOnce&) = delete;

    template <class Make>
    Packed<T> get(const Make& make) {
        const PackedMatrix<T>* made = made_.load();
        if (!made) {
            auto fresh = std::make_unique<const PackedMatrix<T>>(make());
            if (made_.compare_exchange_strong(made, fresh.get())) made = fresh.release();
        }
        return made->view();
    }
    Index bytes() const {
        const PackedMatrix<T>* made = made_.load();
        return made ? made->bytes() : 0;
    }

private:
    std::atomic<const PackedMatrix<T>*> made_{nullptr};
};

template <class T>
class Weights {
public:
    Weights(const Kernels<T>& packed_for, const CellParameters<T>& parameters);

    const Kernels<T>& kernels;
    const CellKind kind;
    const CellOptions options;
    const bool general;  // needs the general kernels
    const Index input_size, hidden_size, state_size;
    const Layout gates;      // of the gate columns of W
    const Layout recurrent;  // of the gate columns of R that h_prev is multiplied with
    const Layout units;      // of the hidden units
    const Layout states;     // of the numbers of h, as columns of R^T and of a projection
    const Layout inputs;     // of the inputs, as columns of W^T

    bool projected() const { return static_cast<bool>(packed_projection_); }
    Packed<T> packed_projection() const { return packed_projection_.view(); }  // columns `states`, K = H
    const T* peepholes() const { return peepholes_.data(); }                   // 3 * Hp numbers, or null

    Packed<T> packed_ih() const { return packed_ih_.view(); }
    Packed<T> packed_hh() const { return packed_hh_.view(); }
    Packed<T> packed_candidate() const { return packed_candidate_.view(); }  // R_n where it is apart, columns `units`
    // Of the input columns; holds what can be added of the recurrent bias.
    const T* bias() const { return bias_.data(); }
    // Hp numbers, or null where all of it could be added.
    const T* recurrent_bias() const { return recurrent_bias_.data(); }
    // Made from the packed weights when training first asks.
    Packed<T> packed_ih_transposed() const;
    Packed<T> packed_hh_transposed() const;
    Packed<T> packed_candidate_transposed() const;
    Packed<T> packed_projection_transposed() const;
    // R^T of one gate of R, for masks of recurrent inputs.
    Packed<T> packed_gate_transposed(Index gate) const;
    // Groups of the gate gradients.
    Index slot_groups() const { return divide_up(gates.vectors(), traits(kind).input_slots.count); }
    Index bytes() const;

private:
    PackedMatrix<T> transposed(const Buffer<T>& full, const Layout& rows, const Layout& columns,
                               Index only_gate = kNoGate) const;
    Packed<T> once(MadeOnce<T>& transpose, const PackedMatrix<T>& packed, const Layout& rows, const Layout& columns,
                   Index only_gate = kNoGate) const;

    PackedMatrix<T> packed_hh_, packed_ih_, packed_candidate_, packed_projection_;
    Buffer<T> bias_, recurrent_bias_, peepholes_;
    mutable MadeOnce<T> packed_ih_transposed_, packed_hh_transposed_, packed_candidate_transposed_,
        packed_projection_transposed_, packed_gate_transposed_[kGroup];
};

}  // namespace fastlstm
