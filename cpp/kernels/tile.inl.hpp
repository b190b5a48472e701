// The register tile every product is made of: P groups x R rows x V vectors of accumulators.
//
// Each output is one chain over k in rising order, whatever P, R and V: that is why a row's bits do not depend on the
// batch it is in or on the number of threads.
#pragma once

#include "packet.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

template <class T, int P, int R, int V>
struct Tile {
    Packet<T> at[P][R][V];
};

// Before a loop over the vectors of a tile. It is unrolled before the compiler decides what lives in registers;
// otherwise the accumulators pass through memory before and after every product.
#if defined(__clang__)
#define FASTLSTM_UNROLL _Pragma("unroll")
#define FASTLSTM_ROLLED _Pragma("nounroll")
#else
#define FASTLSTM_UNROLL _Pragma("GCC unroll 8")
#define FASTLSTM_ROLLED _Pragma("GCC unroll 1")
#endif

// Calls f(p, r, v) for every vector of a tile.
template <int P, int R, int V, class F>
FASTLSTM_INLINE void for_vectors(const F& f) {
    FASTLSTM_UNROLL
    for (int p = 0; p < P; ++p) {
        FASTLSTM_UNROLL
        for (int r = 0; r < R; ++r) {
            FASTLSTM_UNROLL
            for (int v = 0; v < V; ++v) f(p, r, v);
        }
    }
}

// Calls f(sums, p, r, v) for every cell of a tile, whose sums are the K vectors from [p][r][v] on. The equations of a
// cell are long: in float32 every cell has its copy of them and finds its sums in registers, else, and in the reduced
// precisions, whose code would be as long again, they go through memory.
template <int K = 1, class T, int P, int R, int V, class F>
FASTLSTM_INLINE void for_cells(const Tile<T, P, R, V>& acc, const F& f) {
    if constexpr (kFull && sizeof(T) == sizeof(float)) {
        for_vectors<P, R, V / K>([&](int p, int r, int cell) FASTLSTM_INLINED { f(acc, p, r, cell * K); });
    } else {
        Tile<T, P, R, V> sums;
        for_vectors<P, R, V>([&](int p, int r, int v) FASTLSTM_INLINED { sums.at[p][r][v] = acc.at[p][r][v]; });
        FASTLSTM_ROLLED
        for (int v = 0; v < P * R * V; v += K) f(sums, v / (R * V), v / V % R, v % V);
    }
}

// A number known to the compiler, passed as an argument.
template <int N>
struct Count {
    static constexpr int value = N;
};

// Calls f(Count<n>) for the run-time n in 1..N.
template <int N, class F>
FASTLSTM_INLINE void with_count(Index n, const F& f) {
    if constexpr (N > 1) {
        if (n < N) return with_count<N - 1>(n, f);
    }
    f(Count<N>{});
}

// Splits rows [begin, end) into tiles of V vectors and nearly equal height, calling f(Count<R>, first row).
template <int V, class F>
FASTLSTM_INLINE void for_row_tiles(Index begin, Index end, const F& f) {
    Index tiles = ceil_div(end - begin, kTileRows<V>);
    for (Index row = begin; tiles > 0; --tiles) {
        const Index height = ceil_div(end - row, tiles);
        with_count<kTileRows<V>>(height, [&](auto count) { f(count, row); });
        row += height;
    }
}

// Groups side by side in a tile of R rows, so that enough chains are in flight to hide the latency of an addition.
template <int R>
constexpr int kTileGroups = R == 1 || (R == 2 && kRegisters == 32) ? 2 : 1;

// Calls f(Count<P>, Count<R>, first row, first group) for every tile of groups of V vectors. Groups are the outer loop:
// a group's panel stays in the nearest cache while the rows pass by it. One or two rows may take the groups from the
// last to the first: a sweep that goes back where the one before ended finds the end of it in the cache.
template <int V, class F>
FASTLSTM_INLINE void for_tiles(Index rows, Index group_begin, Index group_end, const F& f, bool descending = false) {
    if (rows == 1 || rows == 2) {
        const Index most = rows == 1 ? kTileGroups<1> : kTileGroups<2>;
        const Index tiles = ceil_div(group_end - group_begin, most);
        for (Index tile = 0; tile < tiles; ++tile) {
            const Index group = group_begin + (descending ? tiles - 1 - tile : tile) * most;
            with_count<kTileGroups<1>>(at_most(most, group_end - group), [&](auto p) {
                if (rows == 1) {
                    f(p, Count<1>{}, Index{0}, group);
                } else if constexpr (decltype(p)::value <= kTileGroups<2>) {
                    f(p, Count<2>{}, Index{0}, group);
                }
            });
        }
        return;
    }
    for (Index group = group_begin; group < group_end; ++group) {
        for_row_tiles<V>(0, rows, [&](auto r, Index row) { f(Count<1>{}, r, row, group); });
    }
}

// As for_tiles, over `vectors` vectors in groups of four of which the last may have fewer: f gets Count<V> as well.
template <class F>
FASTLSTM_INLINE void for_vector_tiles(Index rows, Index vectors, Index group_begin, Index group_end, const F& f,
                                      bool descending = false) {
    const Index full = vectors / kGroup;
    for_tiles<kGroup>(
        rows, group_begin, at_most(group_end, full),
        [&](auto p, auto r, Index row, Index group) { f(p, r, Count<kGroup>{}, row, group); }, descending);
    if (group_end <= full) return;
    with_count<kGroup - 1>(vectors % kGroup, [&](auto v) {
        for_tiles<decltype(v)::value>(rows, full, full + 1, [&](auto p, auto r, Index row, Index group) {
            if constexpr (decltype(p)::value == 1) f(p, r, v, row, group);
        });
    });
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
