// One visit of a cell, backward: dh = dy + dgates_next · R^T ends in the cell's derivative while dh is in registers.
//
// A forward pass that is differentiated leaves the derivatives of its step. In them the slope of a gate has met the
// state before a gradient does: what overflows there would be infinity times 0 where the gate is shut.
#pragma once

#include "forward.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// acc += dy
template <class T, int P, int R, int V>
FASTLSTM_INLINE void add_output_gradient(Tile<T, P, R, V>& acc, const CellBackwardArgs<T>& args, Index row,
                                         Index group) {
    if (!args.dy) return;
    for_vectors<P, R, V>([&](int p, int r, int v) FASTLSTM_INLINED {
        const Index unit = ((group + p) * kGroup + v) * kLanes<T>;
        const Packet<T> dy = load_first(args.dy[row + r] + unit, args.hidden_size - unit);
        acc.at[p][r][v] = padd(acc.at[p][r][v], dy);
    });
}

// The gate gradients that R^T is multiplied with, as left rows: K numbers in `slots` slots from `slot` on of every
// group.
template <class T>
FASTLSTM_INLINE LeftRows<T> gradient_rows(const CellBackwardArgs<T>& args, Index k, Index slot = 0,
                                          Index slots = kGroup) {
    constexpr int W = kLanes<T>;
    if (args.next_rows <= 0) return {};
    return left_runs(args.dgates_next + slot * W, kGroup * W, args.next_rows, k, slots * W, args.next_group_stride,
                     args.rounded);
}

// acc = dgates · R^T of K rows for rows that go on, dh_n for rows that end at this visit; then + dy.
template <class T, int P, int R, int V>
FASTLSTM_INLINE void state_gradient(Tile<T, P, R, V>& acc, const CellBackwardArgs<T>& args, const LeftRows<T>& dgates,
                                    Index k, Index row, Index group, bool ends, Index h_pitch) {
    constexpr int W = kLanes<T>;
    if (ends) {
        for_vectors<P, R, V>([&](int p, int r, int v) FASTLSTM_INLINED {
            acc.at[p][r][v] = pload<Packet<T>>(args.dh_n + (row + r) * h_pitch + ((group + p) * kGroup + v) * W);
        });
    } else {
        multiply(
            acc, Beginning<T>{}, dgates.template tile<R>(row),
            panel_of<R, kGroup>(args.packed_hh_t, k, group, args.group_begin, args.group_end, row, args.next_rows));
    }
    add_output_gradient(acc, args, row, group);
}

//   dc    += dh (dh/dc),  dz_o = dh (dh/dz_o)
//   dz_k   = dc (dc/dz_k) for i, f and g,  dc_prev = dc f
template <class T>
FASTLSTM_INLINE void lstm_derivative(const CellBackwardArgs<T>& args, Index row, Index unit, Index h_pitch,
                                     const Packet<T>& dh) {
    constexpr int W = kLanes<T>;
    const Index at = row * h_pitch + unit;
    const T* kept = args.kept + kLstmKept * at;
    T* dz = args.dgates + (unit / W) * args.group_stride + row * kGroup * W;
    const Packet<T> dc = pmadd(dh, pload<Packet<T>>(kept + 4 * W), pload<Packet<T>>(args.carry + at));
    for (int gate = 0; gate < 3; ++gate) pstore(dz + gate * W, pmul(dc, pload<Packet<T>>(kept + gate * W)));
    pstore(dz + 3 * W, pmul(dh, pload<Packet<T>>(kept + 3 * W)));
    pstore(args.carry + at, pmul(dc, pload<Packet<T>>(kept + 5 * W)));
}

template <class T, int P, int R, int V>
FASTLSTM_APART void lstm_backward_tile(const CellBackwardArgs<T>& args, const LeftRows<T>& dgates, Index row,
                                       Index group, bool ends) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    Tile<T, P, R, V> dh;
    state_gradient(dh, args, dgates, 4 * h_pitch, row, group, ends, h_pitch);
    for_cells(dh, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        lstm_derivative(args, row + r, ((group + p) * kGroup + v) * W, h_pitch, sums.at[p][r][v]);
    });
}

// What both kinds of GRU share:
//   dh    += carry
//   dz_n   = dh (dh/dz_n),  dz_u = dh (dh/dz_u),  carry = dh u
// Returns dz_n. `at` is the unit's place in a state, dz its slots.
template <class T>
FASTLSTM_INLINE Packet<T> gru_mean_derivative(const CellBackwardArgs<T>& args, Index at, const Packet<T>& dh_gates,
                                              T* dz) {
    constexpr int W = kLanes<T>;
    const T* kept = args.kept + kGruKept * at;
    const Packet<T> dh = padd(dh_gates, pload<Packet<T>>(args.carry + at));
    const Packet<T> dz_n = pmul(dh, pload<Packet<T>>(kept));
    pstore(dz, dz_n);
    pstore(dz + 2 * W, pmul(dh, pload<Packet<T>>(kept + 2 * W)));
    pstore(args.carry + at, pmul(dh, pload<Packet<T>>(kept + 3 * W)));
    return dz_n;
}

// dz_r = dz_n (dz_n/dz_r),  da = dz_n r
template <class T, int P, int R, int V>
FASTLSTM_APART void gru_backward_tile(const CellBackwardArgs<T>& args, const LeftRows<T>& dgates, Index row,
                                      Index group, bool ends) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    Tile<T, P, R, V> dh;
    state_gradient(dh, args, dgates, 3 * h_pitch, row, group, ends, h_pitch);
    for_cells(dh, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        const Index block = (group + p) * kGroup + v, at = (row + r) * h_pitch + block * W;
        const T* kept = args.kept + kGruKept * at;
        T* dz = args.dgates + block * args.group_stride + (row + r) * kGroup * W;
        const Packet<T> dz_n = gru_mean_derivative(args, at, sums.at[p][r][v], dz);
        pstore(dz + W, pmul(dz_n, pload<Packet<T>>(kept + W)));
        pstore(dz + 3 * W, pmul(dz_n, pload<Packet<T>>(kept + 4 * W)));
    });
}

// First phase of a GRU whose reset gate acts before the product: all but dz_r.
template <class T, int P, int R, int V>
FASTLSTM_APART void gru_candidate_backward_tile(const CellBackwardArgs<T>& args, const LeftRows<T>& dgates, Index row,
                                                Index group, bool ends) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    Tile<T, P, R, V> dh;
    state_gradient(dh, args, dgates, 2 * h_pitch, row, group, ends, h_pitch);
    for_cells(dh, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        const Index block = (group + p) * kGroup + v;
        gru_mean_derivative(args, (row + r) * h_pitch + block * W, sums.at[p][r][v],
                            args.dgates + block * args.group_stride + (row + r) * kGroup * W);
    });
}

// Second phase, with m = r h_prev:  dm = dz_n R_n^T,  dz_r = dm (dm/dz_r),  carry += dm r
template <class T, int P, int R, int V>
FASTLSTM_APART void gru_reset_backward_tile(const CellBackwardArgs<T>& args, const LeftRows<T>& dz_n, Index row,
                                            Index group) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    Tile<T, P, R, V> dm;
    multiply(
        dm, Beginning<T>{}, dz_n.template tile<R>(row),
        panel_of<R, kGroup>(args.packed_candidate_t, h_pitch, group, args.group_begin, args.group_end, row, args.rows));
    for_cells(dm, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        const Index block = (group + p) * kGroup + v, at = (row + r) * h_pitch + block * W;
        const T* kept = args.kept + kGruKept * at;
        const Packet<T> gradient = sums.at[p][r][v];
        pstore(args.dgates + block * args.group_stride + ((row + r) * kGroup + 1) * W,
               pmul(gradient, pload<Packet<T>>(kept + W)));
        pstore(args.carry + at, pmadd(gradient, pload<Packet<T>>(kept + 4 * W), pload<Packet<T>>(args.carry + at)));
    });
}

// h = unit(z): dz = dh unit'(z)
template <class T, class Unit, int P, int R, int V>
FASTLSTM_APART void rnn_backward_tile(const CellBackwardArgs<T>& args, const LeftRows<T>& dgates, Index row,
                                      Index group, bool ends) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    const T* kept = Unit::kKeepsSlope ? args.kept : args.h;
    Tile<T, P, R, V> dh;
    state_gradient(dh, args, dgates, h_pitch, row, group, ends, h_pitch);
    for_cells(dh, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        const Index unit = ((group + p) * kGroup + v) * W;
        pstore(args.dgates + (group + p) * args.group_stride + ((row + r) * kGroup + v) * W,
               Unit::backward(sums.at[p][r][v], pload<Packet<T>>(kept + (row + r) * h_pitch + unit)));
    });
}

// Tiles of the rows that go on, whose products have k numbers, then of those that end here: tile(P, R, V, row, group,
// ends).
template <class T, class F>
FASTLSTM_INLINE void for_backward_tiles(const CellBackwardArgs<T>& args, Index k, const F& tile) {
    const Index vectors = ceil_div(args.hidden_size, kLanes<T>);
    for_vector_tiles<T>(args.next_rows, k, vectors, args.group_begin, args.group_end,
                        [&](auto p, auto r, auto v, Index row, Index group) { tile(p, r, v, row, group, false); });
    for_vector_tiles<T>(
        args.rows - args.next_rows, k, vectors, args.group_begin, args.group_end,
        [&](auto p, auto r, auto v, Index row, Index group) { tile(p, r, v, args.next_rows + row, group, true); });
}

template <class T>
void lstm_backward(const CellBackwardArgs<T>& args) {
    const Index h_pitch = ceil_div(args.hidden_size, kLanes<T>) * kLanes<T>;
    const LeftRows<T> dgates = gradient_rows(args, 4 * h_pitch);
    for_backward_tiles(args, 4 * h_pitch, [&](auto p, auto r, auto v, Index row, Index group, bool ends) {
        lstm_backward_tile<T, decltype(p)::value, decltype(r)::value, decltype(v)::value>(args, dgates, row, group,
                                                                                          ends);
    });
}

template <class T>
void gru_backward(const CellBackwardArgs<T>& args) {
    const Index h_pitch = ceil_div(args.hidden_size, kLanes<T>) * kLanes<T>;
    const LeftRows<T> dgates = gradient_rows(args, 3 * h_pitch, 1, 3);
    for_backward_tiles(args, 3 * h_pitch, [&](auto p, auto r, auto v, Index row, Index group, bool ends) {
        gru_backward_tile<T, decltype(p)::value, decltype(r)::value, decltype(v)::value>(args, dgates, row, group,
                                                                                         ends);
    });
}

template <class T>
void gru_candidate_backward(const CellBackwardArgs<T>& args) {
    const Index h_pitch = ceil_div(args.hidden_size, kLanes<T>) * kLanes<T>;
    const LeftRows<T> dgates = gradient_rows(args, 2 * h_pitch, 1, 2);
    for_backward_tiles(args, 2 * h_pitch, [&](auto p, auto r, auto v, Index row, Index group, bool ends) {
        gru_candidate_backward_tile<T, decltype(p)::value, decltype(r)::value, decltype(v)::value>(args, dgates, row,
                                                                                                   group, ends);
    });
}

template <class T>
void gru_reset_backward(const CellBackwardArgs<T>& args) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    const LeftRows<T> dz_n = left_runs(static_cast<const T*>(args.dgates), kGroup * W, args.rows, h_pitch, W,
                                       args.group_stride, args.rounded);
    for_vector_tiles<T>(args.rows, h_pitch, ceil_div(args.hidden_size, kLanes<T>), args.group_begin, args.group_end,
                        [&](auto p, auto r, auto v, Index row, Index group) {
                            gru_reset_backward_tile<T, decltype(p)::value, decltype(r)::value, decltype(v)::value>(
                                args, dz_n, row, group);
                        });
}

template <class T, class Unit>
void rnn_backward(const CellBackwardArgs<T>& args) {
    const Index h_pitch = ceil_div(args.hidden_size, kLanes<T>) * kLanes<T>;
    const LeftRows<T> dgates = gradient_rows(args, h_pitch);
    for_backward_tiles(args, h_pitch, [&](auto p, auto r, auto v, Index row, Index group, bool ends) {
        rnn_backward_tile<T, Unit, decltype(p)::value, decltype(r)::value, decltype(v)::value>(args, dgates, row, group,
                                                                                               ends);
    });
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
