// One visit of a cell, backward: dh = dy + dgates_next · R^T ends in the cell's derivative while dh is in registers.
//
// A gradient meets the slope of its gate before it meets a state: what overflows then would be infinity times 0 where
// the gate is shut.
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

// acc = dgates_next · R^T for rows that go on, dh_n for rows that end at this visit; then + dy.
// The K rows of R^T go with `slots` slots from `slot` on of every group of dgates_next.
template <class T, int P, int R, int V>
FASTLSTM_INLINE void state_gradient(Tile<T, P, R, V>& acc, const CellBackwardArgs<T>& args, Index row, Index group,
                                    bool ends, Index h_pitch, Index k, Index slot = 0, Index slots = kGroup) {
    constexpr int W = kLanes<T>;
    if (ends) {
        for_vectors<P, R, V>([&](int p, int r, int v) FASTLSTM_INLINED {
            acc.at[p][r][v] = pload<Packet<T>>(args.dh_n + (row + r) * h_pitch + ((group + p) * kGroup + v) * W);
        });
    } else {
        const T* dgates[R];
        for (int r = 0; r < R; ++r) dgates[r] = args.dgates_next + ((row + r) * kGroup + slot) * W;
        set_to_zero(acc);
        multiply_add(
            acc, dgates, slots * W, args.next_group_stride,
            panel_of<R, kGroup>(args.packed_hh_t, k, group, args.group_begin, args.group_end, row, args.next_rows));
    }
    add_output_gradient(acc, args, row, group);
}

// With c = f c_prev + i g and h = o tanh(c):
//   dc    += dh o (1 - tanh(c)^2)
//   dz_i   = dc g  i (1 - i)       dz_f = dc c_prev  f (1 - f)
//   dz_g   = dc i (1 - g^2)        dz_o = dh tanh(c)  o (1 - o)
//   dc_prev = dc f
template <class T>
FASTLSTM_INLINE void lstm_derivative(const CellBackwardArgs<T>& args, Index row, Index unit, Index h_pitch,
                                     const Packet<T>& dh) {
    constexpr int W = kLanes<T>;
    const Packet<T> one = constant<T>(1);
    const Index at = row * h_pitch + unit;
    const T* gates = args.gates + 4 * at;
    const Packet<T> i = pload<Packet<T>>(gates), f = pload<Packet<T>>(gates + W);
    const Packet<T> g = pload<Packet<T>>(gates + 2 * W), o = pload<Packet<T>>(gates + 3 * W);
    const Fraction<Packet<T>> c_fraction = tanh_fraction(pload<Packet<T>>(args.c + at));
    const Packet<T> inverse = pdiv(one, c_fraction.denominator), tanh_c = pmul(c_fraction.numerator, inverse);
    const Packet<T> dh_o = pmul(dh, o);
    const Packet<T> dc = pmadd(dh_o, tanh_slope(c_fraction, inverse), pload<Packet<T>>(args.carry + at));
    const Packet<T> dc_i = pmul(dc, i), dc_f = pmul(dc, f);
    T* dz = args.dgates + (unit / W) * args.group_stride + row * kGroup * W;
    pstore(dz, pmul(pmul(dc_i, g), psub(one, i)));
    pstore(dz + W, pmul(pmul(dc_f, psub(one, f)), pload<Packet<T>>(args.c_prev + at)));
    pstore(dz + 2 * W, pmul(dc_i, psub(one, pmul(g, g))));
    pstore(dz + 3 * W, pmul(pmul(dh_o, tanh_c), psub(one, o)));
    pstore(args.carry + at, dc_f);
}

template <class T, int P, int R, int V>
FASTLSTM_APART void lstm_backward_tile(const CellBackwardArgs<T>& args, Index row, Index group, bool ends) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    Tile<T, P, R, V> dh;
    state_gradient(dh, args, row, group, ends, h_pitch, 4 * h_pitch);
    for_cells(dh, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        lstm_derivative(args, row + r, ((group + p) * kGroup + v) * W, h_pitch, sums.at[p][r][v]);
    });
}

// What both kinds of GRU share. With h = n + u (h_prev - n):
//   dh    += carry
//   dz_n = dh (1 - u) (1 - n^2)       dz_u = dh (h_prev - n) u (1 - u)
//   carry = dh u
// Returns dz_n. `at` is the unit's place in a state, dz its slots.
template <class T>
FASTLSTM_INLINE Packet<T> gru_mean_derivative(const CellBackwardArgs<T>& args, Index at, const Packet<T>& n,
                                              const Packet<T>& u, const Packet<T>& dh_gates, T* dz) {
    constexpr int W = kLanes<T>;
    const Packet<T> one = constant<T>(1);
    const Packet<T> dh = padd(dh_gates, pload<Packet<T>>(args.carry + at));
    const Packet<T> dh_u = pmul(dh, u), kept = psub(one, u);
    const Packet<T> dz_n = pmul(pmul(dh, kept), psub(one, pmul(n, n)));
    pstore(dz, dz_n);
    pstore(dz + 2 * W, pmul(pmul(dh_u, kept), psub(pload<Packet<T>>(args.h_prev + at), n)));
    pstore(args.carry + at, dh_u);
    return dz_n;
}

// With n = tanh(z_n + r a):  da = dz_n r,  dz_r = dz_n a r (1 - r)
template <class T, int P, int R, int V>
FASTLSTM_APART void gru_backward_tile(const CellBackwardArgs<T>& args, Index row, Index group, bool ends) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    Tile<T, P, R, V> dh;
    state_gradient(dh, args, row, group, ends, h_pitch, 3 * h_pitch, 1, 3);
    for_cells(dh, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        const Index block = (group + p) * kGroup + v, at = (row + r) * h_pitch + block * W;
        const T* gates = args.gates + 4 * at;
        const Packet<T> n = pload<Packet<T>>(gates), reset = pload<Packet<T>>(gates + W);
        const Packet<T> u = pload<Packet<T>>(gates + 2 * W), a = pload<Packet<T>>(gates + 3 * W);
        T* dz = args.dgates + block * args.group_stride + (row + r) * kGroup * W;
        const Packet<T> da = pmul(gru_mean_derivative(args, at, n, u, sums.at[p][r][v], dz), reset);
        pstore(dz + W, pmul(pmul(da, psub(constant<T>(1), reset)), a));
        pstore(dz + 3 * W, da);
    });
}

// First phase of a GRU whose reset gate acts before the product: all but dz_r.
template <class T, int P, int R, int V>
FASTLSTM_APART void gru_candidate_backward_tile(const CellBackwardArgs<T>& args, Index row, Index group, bool ends) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    Tile<T, P, R, V> dh;
    state_gradient(dh, args, row, group, ends, h_pitch, 2 * h_pitch, 1, 2);
    for_cells(dh, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        const Index block = (group + p) * kGroup + v, at = (row + r) * h_pitch + block * W;
        const T* gates = args.gates + 3 * at;
        gru_mean_derivative(args, at, pload<Packet<T>>(gates), pload<Packet<T>>(gates + 2 * W), sums.at[p][r][v],
                            args.dgates + block * args.group_stride + (row + r) * kGroup * W);
    });
}

// Second phase, with m = r h_prev:  dm = dz_n R_n^T,  dz_r = dm h_prev r (1 - r),  carry += dm r
template <class T, int P, int R, int V>
FASTLSTM_APART void gru_reset_backward_tile(const CellBackwardArgs<T>& args, Index row, Index group) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    const T* dz_n[R];
    for (int r = 0; r < R; ++r) dz_n[r] = args.dgates + (row + r) * kGroup * W;
    Tile<T, P, R, V> dm;
    set_to_zero(dm);
    multiply_add(
        dm, dz_n, W, args.group_stride,
        panel_of<R, kGroup>(args.packed_candidate_t, h_pitch, group, args.group_begin, args.group_end, row, args.rows));
    for_cells(dm, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        const Index block = (group + p) * kGroup + v, at = (row + r) * h_pitch + block * W;
        const Packet<T> reset = pload<Packet<T>>(args.gates + 3 * at + W);
        const Packet<T> dm_r = pmul(sums.at[p][r][v], reset);
        pstore(args.dgates + block * args.group_stride + ((row + r) * kGroup + 1) * W,
               pmul(pmul(dm_r, psub(constant<T>(1), reset)), pload<Packet<T>>(args.h_prev + at)));
        pstore(args.carry + at, padd(pload<Packet<T>>(args.carry + at), dm_r));
    });
}

// h = unit(z): dz = dh unit'(z)
template <class T, class Unit, int P, int R, int V>
FASTLSTM_APART void rnn_backward_tile(const CellBackwardArgs<T>& args, Index row, Index group, bool ends) {
    constexpr int W = kLanes<T>;
    const Index h_pitch = ceil_div(args.hidden_size, W) * W;
    Tile<T, P, R, V> dh;
    state_gradient(dh, args, row, group, ends, h_pitch, h_pitch);
    for_cells(dh, [&](const auto& sums, int p, int r, int v) FASTLSTM_INLINED {
        const Index unit = ((group + p) * kGroup + v) * W;
        const Packet<T> h = pload<Packet<T>>(args.h + (row + r) * h_pitch + unit);
        pstore(args.dgates + (group + p) * args.group_stride + ((row + r) * kGroup + v) * W,
               Unit::backward(sums.at[p][r][v], h));
    });
}

// Tiles of the rows that go on, then of those that end here: tile(P, R, V, row, group, ends).
template <class T, class F>
FASTLSTM_INLINE void for_backward_tiles(const CellBackwardArgs<T>& args, const F& tile) {
    const Index vectors = ceil_div(args.hidden_size, kLanes<T>);
    for_vector_tiles(args.next_rows, vectors, args.group_begin, args.group_end,
                     [&](auto p, auto r, auto v, Index row, Index group) { tile(p, r, v, row, group, false); });
    for_vector_tiles(
        args.rows - args.next_rows, vectors, args.group_begin, args.group_end,
        [&](auto p, auto r, auto v, Index row, Index group) { tile(p, r, v, args.next_rows + row, group, true); });
}

template <class T>
void lstm_backward(const CellBackwardArgs<T>& args) {
    for_backward_tiles(args, [&](auto p, auto r, auto v, Index row, Index group, bool ends) {
        lstm_backward_tile<T, decltype(p)::value, decltype(r)::value, decltype(v)::value>(args, row, group, ends);
    });
}

template <class T>
void gru_backward(const CellBackwardArgs<T>& args) {
    for_backward_tiles(args, [&](auto p, auto r, auto v, Index row, Index group, bool ends) {
        gru_backward_tile<T, decltype(p)::value, decltype(r)::value, decltype(v)::value>(args, row, group, ends);
    });
}

template <class T>
void gru_candidate_backward(const CellBackwardArgs<T>& args) {
    for_backward_tiles(args, [&](auto p, auto r, auto v, Index row, Index group, bool ends) {
        gru_candidate_backward_tile<T, decltype(p)::value, decltype(r)::value, decltype(v)::value>(args, row, group,
                                                                                                   ends);
    });
}

template <class T>
void gru_reset_backward(const CellBackwardArgs<T>& args) {
    for_vector_tiles(args.rows, ceil_div(args.hidden_size, kLanes<T>), args.group_begin, args.group_end,
                     [&](auto p, auto r, auto v, Index row, Index group) {
                         gru_reset_backward_tile<T, decltype(p)::value, decltype(r)::value, decltype(v)::value>(
                             args, row, group);
                     });
}

template <class T, class Unit>
void rnn_backward(const CellBackwardArgs<T>& args) {
    for_backward_tiles(args, [&](auto p, auto r, auto v, Index row, Index group, bool ends) {
        rnn_backward_tile<T, Unit, decltype(p)::value, decltype(r)::value, decltype(v)::value>(args, row, group, ends);
    });
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
