// Plain products: projections (rows times packed weights) and outer sums (weight gradients).
#pragma once

#include "tile.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

template <class T, int P, int R, int V>
FASTLSTM_INLINE void set_to_zero(Tile<T, P, R, V>& acc) {
    for_vectors<P, R, V>([&](int p, int r, int v) FASTLSTM_INLINED { acc.at[p][r][v] = constant<T>(0); });
}

template <class T, int P, int R, int V>
FASTLSTM_INLINE void set_to_bias(Tile<T, P, R, V>& acc, const T* bias, Index group) {
    for_vectors<P, R, V>([&](int p, int r, int v) FASTLSTM_INLINED {
        acc.at[p][r][v] = pload<Packet<T>>(bias + ((group + p) * kGroup + v) * kLanes<T>);
    });
}

// out[row + r][group + p] = bias + a[row + r] · B[group + p]
template <class T, int P, int R, int V>
FASTLSTM_APART void product_tile(const ProductArgs<T>& args, Index row, Index group) {
    constexpr int W = kLanes<T>;
    const T* a[R];
    for (int r = 0; r < R; ++r) a[r] = args.a[row + r];
    Tile<T, P, R, V> acc;
    if (args.bias) {
        set_to_bias(acc, args.bias, group);
    } else {
        set_to_zero(acc);
    }
    multiply_add(acc, a, args.run, args.run_stride,
                 panel_of<R, kGroup>(args.packed, args.k, group, args.group_begin, args.group_end, row, args.rows));
    for_vectors<P, R, V>([&](int p, int r, int v) FASTLSTM_INLINED {
        const Index column = ((group + p) * kGroup + v) * W;
        store_first(args.out[row + r] + column, acc.at[p][r][v], args.columns - column);
    });
}

template <class T>
void product(const ProductArgs<T>& args) {
    const Index vectors = ceil_div(args.columns, kLanes<T>);
    for_vector_tiles(args.rows, vectors, args.group_begin, args.group_end,
                     [&](auto p, auto r, auto v, Index row, Index group) {
                         product_tile<T, decltype(p)::value, decltype(r)::value, decltype(v)::value>(args, row, group);
                     });
}

// Rows that are summed up apart before they join the sum of all. A chain over thousands of rows would round what it has
// as often, and lose a digit by it.
constexpr Index kSummedRows = 128;

// Calls f(first, last) for the rows 0..k, kSummedRows at a time.
template <class F>
FASTLSTM_INLINE void for_summed_rows(Index k, const F& f) {
    for (Index first = 0; first < k; first += kSummedRows) f(first, at_most(first + kSummedRows, k));
}

// c = sum, or c += sum
template <class P, class T>
FASTLSTM_INLINE void join(T* c, const P& sum, bool add) {
    pstore(c, add ? padd(pload<P>(c), sum) : sum);
}

// c[i + r][group] = or += sum over k of a[k][i + r] * b[k][group]
template <class T, int R, int V>
FASTLSTM_APART void outer_tile(const OuterArgs<T>& args, Index i, Index group) {
    constexpr int W = kLanes<T>;
    const Index pitch = args.vectors * W;
    T* c = args.c + i * pitch + group * args.group_vectors * W;
    const T* b = args.b + group * args.group_stride;
    // Sums that do not fit the second-level cache: those of the next tile are fetched from memory meanwhile.
    const Index fetching = is_large<T>(args.i_end * pitch) ? at_most(R * V, args.k) : 0;
    for_summed_rows(args.k, [&](Index first, Index last) FASTLSTM_INLINED {
        Tile<T, 1, R, V> acc;
        set_to_zero(acc);
        const auto add = [&](Index k) FASTLSTM_INLINED {
            const T* a = args.a[k] + i;
            multiply_add_one(acc, [&](int r) { return a[r]; }, b, 0);
            b += args.row_stride;
        };
        Index k = first;
        for (; k < fetching; ++k) {
            prefetch(c + (R + k / V) * pitch + k % V * W);
            add(k);
        }
        for (; k < last; ++k) add(k);
        for_vectors<1, R, V>([&](int, int r, int v) FASTLSTM_INLINED {
            join(c + r * pitch + v * W, acc.at[0][r][v], args.add || first > 0);
        });
    });
}

template <class T, int V>
FASTLSTM_INLINE void sum_rows(const OuterArgs<T>& args, Index group) {
    constexpr int W = kLanes<T>;
    T* sums = args.sums + group * args.group_vectors * W;
    const T* b = args.b + group * args.group_stride;
    for_summed_rows(args.k, [&](Index first, Index last) FASTLSTM_INLINED {
        Packet<T> acc[V];
        for (int v = 0; v < V; ++v) acc[v] = constant<T>(0);
        for (Index k = first; k < last; ++k, b += args.row_stride)
            for (int v = 0; v < V; ++v) acc[v] = padd(acc[v], pload<Packet<T>>(b + v * W));
        for (int v = 0; v < V; ++v) join(sums + v * W, acc[v], args.add || first > 0);
    });
}

template <class T>
void outer(const OuterArgs<T>& args) {
    for (Index group = args.group_begin; group < args.group_end; ++group) {
        const Index left = args.vectors - group * args.group_vectors;
        with_count<kGroup>(at_most(args.group_vectors, left), [&](auto v) {
            constexpr int V = decltype(v)::value;
            for_row_tiles<V>(args.i_begin, args.i_end,
                             [&](auto r, Index i) { outer_tile<T, decltype(r)::value, V>(args, i, group); });
            if (args.sums) sum_rows<T, V>(args, group);
        });
    }
}

// to[l][r] = from[r][l] for a block of W x W, aligned or not
template <class T>
void transpose(const T* from, Index from_pitch, T* to, Index to_pitch) {
    constexpr int W = kLanes<T>;
    Eigen::internal::PacketBlock<Packet<T>, W> block;
    for (int r = 0; r < W; ++r) block.packet[r] = ploadu<Packet<T>>(from + r * from_pitch);
    Eigen::internal::ptranspose(block);
    for (int l = 0; l < W; ++l) pstoreu(to + l * to_pitch, block.packet[l]);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
