// A recurrent layer in one direction over a sequence: forward, and backward through time.
//
// Letters: T steps, N rows, I input size, H hidden size, S size of the state h (H, or P with a projection), Hp and Sp
// the same rounded up to the packet. Rows inside are in schedule order; x, y, lengths and states of the caller are in
// the caller's.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "interruption.hpp"
#include "plan.hpp"
#include "schedule.hpp"
#include "weights.hpp"

namespace fastlstm {

template <class T>
struct ForwardArrays {
    SequenceView<const T> x;   // (T, N, I)
    const T* h_0;              // (N, S) or null for zeros
    const T* c_0;              // (N, H) or null for zeros; LSTM
    SequenceView<T> y;         // (T, N, S) or empty
    T* h_n;                    // (N, S)
    T* c_n;                    // (N, H); LSTM
    const T* recurrent_masks;  // (G, N, H): what every gate's h_{t-1} is multiplied with, or null
};

// The states before some visits, from which backward makes what a tape would have kept of the visits up to the next one
// of them; of those from the last on it is there. None: all of it is.
template <class T>
struct Checkpoints {
    std::vector<Index> visits;  // rising, from 0
    Buffer<T> h, c;             // for each of them N x Sp and N x Hp; the rows that run

    Index count() const { return static_cast<Index>(visits.size()); }
};

// What a training forward keeps for backward, in schedule order: per valid step (6 + 1) * Hp numbers for the LSTM,
// (5 + 1) * Hp for the GRU (Hp more with its reset gate before the product), 2 * Hp for the RNN (Hp if it is one of
// relu), and N more rows of states for the start. General cells keep (4 + 1 + 1) * Hp, 5 * Hp and 2 * Hp. A projected
// LSTM keeps Sp more, a mask of recurrent inputs G * N * Hp in all.
template <class T>
struct Tape {
    std::shared_ptr<const Weights<T>> weights;
    Schedule schedule;
    SequenceView<const T> x;    // the caller's array, not a copy
    bool general = false;       // whether the general kernels made it
    Buffer<T> h, c;             // (N + total) x Sp and Hp: the states before visit 0, then after each visit; c: general
    Buffer<T> kept;             // total x (slots * Hp), see cell.hpp
    Buffer<T> h_reset;          // total x Hp; GRU with the reset gate before the product
    Buffer<T> units;            // total x Hp: o tanh(c) before a projection
    Buffer<T> recurrent_masks;  // N x (G * Hp)
    Checkpoints<T> checkpoints = {};
    Index first = 0;  // the visit that it begins with

    Index unit_pitch() const { return weights->units.columns(); }
    Index state_pitch() const { return weights->states.columns(); }
    const T* h_before(Index visit) const { return h.data() + kept_rows_before(visit) * state_pitch(); }
    const T* c_before(Index visit) const { return c.data() + kept_rows_before(visit) * unit_pitch(); }
    // Rows that it keeps of the visits before one, but for the states at its start.
    Index rows_before(Index visit) const { return schedule.offset(visit) - schedule.offset(first); }
    const T* mask_of(Index row, Index gate) const {
        return recurrent_masks.data() + (row * weights->gates.gates + gate) * state_pitch();
    }

    Index bytes() const {
        return static_cast<Index>(sizeof(T)) * (h.size() + c.size() + kept.size() + h_reset.size() + units.size() +
                                                recurrent_masks.size() + checkpoints.h.size() + checkpoints.c.size());
    }

private:
    Index kept_rows_before(Index visit) const { return visit == first ? 0 : schedule.rows() + rows_before(visit - 1); }
};

template <class T>
struct BackwardArrays {
    SequenceView<const T> dy;  // (T, N, S) or empty
    const T* dh_n;             // (N, S) or null for zeros
    const T* dc_n;             // (N, H) or null for zeros; LSTM
    SequenceView<T> dx;        // (T, N, I) or empty; all of it is written
    MatrixView<T> dweight_ih;  // (G*H, I) or empty
    MatrixView<T> dweight_hh;  // (G*H, S) or empty
    T* dbias;                  // G*H numbers or null
    T* drecurrent_bias;        // G*H numbers or null; differs from dbias in the GRU's n
    MatrixView<T> dweight_hr;  // (P, H) or empty
    T* dpeepholes;             // 3 * H numbers or null
    T* dh_0;                   // (N, S)
    T* dc_0;                   // (N, H); LSTM
    // (T, N) or empty: how large the gradients of the states after a step are, see gradient_flow.hpp.
    MatrixView<double> dh_norms, dc_norms;
};

// Both return false when stopped early; the outputs are then incomplete. With `tape` null nothing is kept, with the
// visits of checkpoints in it their states, and all from the last on.
template <class T>
bool forward(const Weights<T>& weights, const Schedule& schedule, const ForwardArrays<T>& arrays, Tape<T>* tape,
             StopRequested stop_requested);

template <class T>
bool backward(const Tape<T>& tape, const BackwardArrays<T>& arrays, StopRequested stop_requested);

// Makes the tape of the visits from a checkpoint to the next one once more, on the threads of a plan: `section` has the
// first four members of `tape` and its masks.
template <class T>
bool forward_again(const Tape<T>& tape, Index checkpoint, Tape<T>& section, Plan& plan, StopRequested stop_requested);

// A forward pass without a tape that is a part of a larger call and walked by threads of it.
template <class T>
class Walk {
public:
    virtual ~Walk() = default;
    virtual int threads() const = 0;
    // Thread `rank` of a team of `threads` goes through the visits begin..end, as all of them must. Does not throw.
    virtual void walk(int rank, Team& team, Index begin, Index end) = 0;
    // Writes the final states, after all visits.
    virtual void finish() = 0;
};

// The arguments are kept by reference. Outputs at steps that are not valid are left alone.
template <class T>
std::unique_ptr<Walk<T>> make_walk(const Weights<T>& weights, const Schedule& schedule, const ForwardArrays<T>& arrays,
                                   const Split& split, StopRequested stop_requested);

// Points to the steps that some rows visit at once.
template <class T>
void point_to_visit(const SequenceView<T>& sequence, const Schedule& schedule, Index visit, const Range& rows, T** to) {
    if (schedule.uniform()) {
        T* first = sequence.row(schedule.time(visit, rows.begin), rows.begin);
        return point_to_rows(first, sequence.row_stride, rows.end - rows.begin, to);
    }
    for (Index row = rows.begin; row < rows.end; ++row) {
        *to++ = sequence.row(schedule.time(visit, row), schedule.original(row));
    }
}

// Steps that are not valid are zero, in outputs and in gradients of inputs.
template <class T>
void clear_skipped(const SequenceView<T>& sequence, const Schedule& schedule, Index size) {
    if (schedule.uniform()) return;
    for (Index row = 0; row < schedule.rows(); ++row) {
        const Index n = schedule.original(row);
        schedule.for_skipped(row, [&](Index t) { std::fill_n(sequence.row(t, n), size, T(0)); });
    }
}

}  // namespace fastlstm
