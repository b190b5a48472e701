// One visit of a cell, backward: dh = dy + dgates_next · R^T ends in the cell's derivative while dh is in registers.
//
// A forward pass that is differentiated leaves the derivatives of its step. In them the slope of a gate has met the
// state before a gradient does: what overflows there would be infinity times 0 where the gate is shut.
#pragma once

#include "forward.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// dh + dy
template <class T>
FASTLSTM_INLINE Packet<T> with_output_gradient(const CellBackwardArgs<T>& args, Index row, Index unit,
                                               const Packet<T>& dh) {
    return args.dy ? padd(dh, load_first(args.dy[row] + unit, args.hidden_size - unit)) : dh;
}

// The gate gradients that R^T is multiplied with, as left rows: K numbers in `slots` slots from `slot` on of every
// group.
template <class T>
FASTLSTM_INLINE LeftRuns<T> gradient_rows(const CellBackwardArgs<T>& args, Index k, Index slot = 0,
                                          Index slots = kGroup) {
    constexpr int lanes = kLanes<T>;
    if (args.next_rows <= 0) return {};
    return left_runs(args.dgates_next + slot * lanes, kGroup * lanes, args.next_rows, k, slots * lanes,
                     args.next_group_stride, args.rounded);
}

// acc = dgates · R^T of K rows for rows that go on, dh_n for rows that end at this visit.
template <class Acc, class T>
FASTLSTM_INLINE void state_gradient(Acc& acc, const CellBackwardArgs<T>& args, const LeftRuns<T>& dgates, Index k,
                                    Index row, Index group, Index pitch) {
    constexpr int lanes = kLanes<T>;
    if (row < args.next_rows) {
        return multiply(acc, Beginning<T>{}, dgates, row,
                        panel_of<kGroup>(acc.shape.rows, args.packed_hh_t, k, group, args.group_begin, args.group_end,
                                         row, args.next_rows));
    }
    set_each(acc, [&](int p, int r, int v) FASTLSTM_INLINED {
        return pload<Packet<T>>(args.dh_n + (row + r) * pitch + ((group + p) * kGroup + v) * lanes);
    });
}

// The sums of a phase whose gates have `Slots` slots of the group buffer in R.
template <class T, int Slots>
struct StateGradient {
    using Number = T;
    static constexpr int kOfCell = 1;

    template <class Acc>
    static FASTLSTM_INLINE void sum(Acc& dh, const CellBackwardArgs<T>& args, const LeftRuns<T>& dgates, Index row,
                                    Index group, Index pitch) {
        state_gradient(dh, args, dgates, Slots * pitch, row, group, pitch);
    }
};

// The rows that go on, whose products have k numbers, then those that end here.
template <class Phase, class T>
FASTLSTM_INLINE void run_backward(const CellBackwardArgs<T>& args, const LeftRuns<T>& dgates, Index k) {
    const Index vectors = ceil_div(args.hidden_size, kLanes<T>);
    run_phase<Phase>(args, dgates, 0, args.next_rows, k, vectors);
    run_phase<Phase>(args, dgates, args.next_rows, args.rows, k, vectors);
}

//   dc    += dh (dh/dc),  dz_o = dh (dh/dz_o)
//   dz_k   = dc (dc/dz_k) for i, f and g,  dc_prev = dc f
template <class T>
struct LstmBackward : StateGradient<T, 4> {
    template <class Z>
    static FASTLSTM_INLINE void cell(const CellBackwardArgs<T>& args, const Z& z, Index row, Index group, int v,
                                     Index pitch) {
        constexpr int lanes = kLanes<T>;
        const Index block = group * kGroup + v, at = row * pitch + block * lanes;
        const T* kept = args.kept + kLstmKept * at;
        T* dz = args.dgates + block * args.group_stride + row * kGroup * lanes;
        const Packet<T> dh = with_output_gradient(args, row, block * lanes, Packet<T>(z(0)));
        const Packet<T> dc = pmadd(dh, pload<Packet<T>>(kept + 4 * lanes), pload<Packet<T>>(args.carry + at));
        for (int gate = 0; gate < 3; ++gate) pstore(dz + gate * lanes, pmul(dc, pload<Packet<T>>(kept + gate * lanes)));
        pstore(dz + 3 * lanes, pmul(dh, pload<Packet<T>>(kept + 3 * lanes)));
        pstore(args.carry + at, pmul(dc, pload<Packet<T>>(kept + 5 * lanes)));
    }
};

template <class T>
void lstm_backward(const CellBackwardArgs<T>& args) {
    const Index k = 4 * padded_units<T>(args);
    run_backward<LstmBackward<T>>(args, gradient_rows(args, k), k);
}

// What both kinds of GRU share:
//   dh    += carry
//   dz_n   = dh (dh/dz_n),  dz_u = dh (dh/dz_u),  carry = dh u
// Returns dz_n. `at` is the unit's place in a state, dz its slots.
template <class T>
FASTLSTM_INLINE Packet<T> gru_mean_derivative(const CellBackwardArgs<T>& args, Index at, const Packet<T>& dh_gates,
                                              T* dz) {
    constexpr int lanes = kLanes<T>;
    const T* kept = args.kept + kGruKept * at;
    const Packet<T> dh = padd(dh_gates, pload<Packet<T>>(args.carry + at));
    const Packet<T> dz_n = pmul(dh, pload<Packet<T>>(kept));
    pstore(dz, dz_n);
    pstore(dz + 2 * lanes, pmul(dh, pload<Packet<T>>(kept + 2 * lanes)));
    pstore(args.carry + at, pmul(dh, pload<Packet<T>>(kept + 3 * lanes)));
    return dz_n;
}

// dz_r = dz_n (dz_n/dz_r),  da = dz_n r
template <class T>
struct GruBackward : StateGradient<T, 3> {
    template <class Z>
    static FASTLSTM_INLINE void cell(const CellBackwardArgs<T>& args, const Z& z, Index row, Index group, int v,
                                     Index pitch) {
        constexpr int lanes = kLanes<T>;
        const Index block = group * kGroup + v, at = row * pitch + block * lanes;
        const T* kept = args.kept + kGruKept * at;
        T* dz = args.dgates + block * args.group_stride + row * kGroup * lanes;
        const Packet<T> dh = with_output_gradient(args, row, block * lanes, Packet<T>(z(0)));
        const Packet<T> dz_n = gru_mean_derivative(args, at, dh, dz);
        pstore(dz + lanes, pmul(dz_n, pload<Packet<T>>(kept + lanes)));
        pstore(dz + 3 * lanes, pmul(dz_n, pload<Packet<T>>(kept + 4 * lanes)));
    }
};

template <class T>
void gru_backward(const CellBackwardArgs<T>& args) {
    const Index k = 3 * padded_units<T>(args);
    run_backward<GruBackward<T>>(args, gradient_rows(args, k, 1, 3), k);
}

// First phase of a GRU whose reset gate acts before the product: all but dz_r.
template <class T>
struct GruCandidateBackward : StateGradient<T, 2> {
    template <class Z>
    static FASTLSTM_INLINE void cell(const CellBackwardArgs<T>& args, const Z& z, Index row, Index group, int v,
                                     Index pitch) {
        constexpr int lanes = kLanes<T>;
        const Index block = group * kGroup + v, at = row * pitch + block * lanes;
        const Packet<T> dh = with_output_gradient(args, row, block * lanes, Packet<T>(z(0)));
        gru_mean_derivative(args, at, dh, args.dgates + block * args.group_stride + row * kGroup * lanes);
    }
};

template <class T>
void gru_candidate_backward(const CellBackwardArgs<T>& args) {
    const Index k = 2 * padded_units<T>(args);
    run_backward<GruCandidateBackward<T>>(args, gradient_rows(args, k, 1, 2), k);
}

// Second phase, with m = r h_prev:  dm = dz_n R_n^T,  dz_r = dm (dm/dz_r),  carry += dm r
template <class T>
struct GruResetBackward {
    using Number = T;
    static constexpr int kOfCell = 1;

    template <class Acc>
    static FASTLSTM_INLINE void sum(Acc& dm, const CellBackwardArgs<T>& args, const LeftRuns<T>& dz_n, Index row,
                                    Index group, Index pitch) {
        multiply(dm, Beginning<T>{}, dz_n, row,
                 panel_of<kGroup>(dm.shape.rows, args.packed_candidate_t, pitch, group, args.group_begin,
                                  args.group_end, row, args.rows));
    }

    template <class Z>
    static FASTLSTM_INLINE void cell(const CellBackwardArgs<T>& args, const Z& z, Index row, Index group, int v,
                                     Index pitch) {
        constexpr int lanes = kLanes<T>;
        const Index block = group * kGroup + v, at = row * pitch + block * lanes;
        const T* kept = args.kept + kGruKept * at;
        const Packet<T> dm = z(0);
        pstore(args.dgates + block * args.group_stride + (row * kGroup + 1) * lanes,
               pmul(dm, pload<Packet<T>>(kept + lanes)));
        pstore(args.carry + at, pmadd(dm, pload<Packet<T>>(kept + 4 * lanes), pload<Packet<T>>(args.carry + at)));
    }
};

template <class T>
void gru_reset_backward(const CellBackwardArgs<T>& args) {
    constexpr int lanes = kLanes<T>;
    const Index vectors = ceil_div(args.hidden_size, lanes), k = vectors * lanes;
    const LeftRuns<T> dz_n = left_runs(static_cast<const T*>(args.dgates), kGroup * lanes, args.rows, k, lanes,
                                       args.group_stride, args.rounded);
    run_phase<GruResetBackward<T>>(args, dz_n, 0, args.rows, k, vectors);
}

// h = unit(z): dz = dh unit'(z)
template <class T, class Unit>
struct RnnBackward : StateGradient<T, 1> {
    template <class Z>
    static FASTLSTM_INLINE void cell(const CellBackwardArgs<T>& args, const Z& z, Index row, Index group, int v,
                                     Index pitch) {
        constexpr int lanes = kLanes<T>;
        const Index unit = (group * kGroup + v) * lanes;
        const T* kept = (Unit::kKeepsSlope ? args.kept : args.h) + row * pitch + unit;
        const Packet<T> dh = with_output_gradient(args, row, unit, Packet<T>(z(0)));
        pstore(args.dgates + group * args.group_stride + (row * kGroup + v) * lanes,
               Unit::backward(dh, pload<Packet<T>>(kept)));
    }
};

template <class T, class Unit>
constexpr bool kIsShort<RnnBackward<T, Unit>> = true;

template <class T, class Unit>
void rnn_backward(const CellBackwardArgs<T>& args) {
    const Index k = padded_units<T>(args);
    run_backward<RnnBackward<T, Unit>>(args, gradient_rows(args, k), k);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
