// How rows and groups are cut into tiles: first those of matrix registers, where there are any, then those of vectors.
#pragma once

#if defined(FASTLSTM_AMX)
#include "matrices.inl.hpp"
#else
#include "counts.inl.hpp"
#endif

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

#if !defined(FASTLSTM_AMX)
constexpr int kFewestMatrixRows = 1 << 16, kMatrixRows = 0, kMostMatrixRows = 0;

// Calls f(Height, begin, end) for the rows of [begin, end) that go through matrix registers, and returns the first of
// those that do not.
template <class F>
FASTLSTM_INLINE Index for_matrix_rows(Index begin, Index, Index, const F&) {
    return begin;
}
#endif

// Splits rows [begin, end) into tiles of vectors of nearly equal height, calling f(Height, first row).
template <class T, int Vectors, class F>
FASTLSTM_INLINE void for_vector_rows(Index begin, Index end, const F& f) {
    constexpr int kMost = kTileRows<T, Vectors> < kFewestMatrixRows ? kTileRows<T, Vectors> : kFewestMatrixRows - 1;
    if constexpr (kMost > 0) {
        Index tiles = ceil_div(end - begin, kMost);
        for (Index row = begin; tiles > 0; --tiles) {
            const Index height = ceil_div(end - row, tiles);
            with_count<kMost>(height, [&](auto count) { f(Height<decltype(count)::value>{}, row); });
            row += height;
        }
    }
}

// Splits rows [begin, end) into tiles of products of k numbers, calling f(Height, first row).
template <class T, int Vectors, class F>
FASTLSTM_INLINE void for_row_tiles(Index begin, Index end, Index k, const F& f) {
    begin = for_matrix_rows(begin, end, k, [&](auto height, Index first, Index last) {
        for (Index row = first; row < last; row += height.rows) f(height, row);
    });
    for_vector_rows<T, Vectors>(begin, end, f);
}

// Groups side by side in a tile of so many rows: enough chains in flight to hide the latency of an addition.
template <int Rows>
constexpr int kTileGroups = Rows == 1 || (Rows == 2 && kRegisters == 32) ? 2 : 1;

// The n-th of begin..end, or the n-th from the end.
FASTLSTM_INLINE Index nth(Index n, Index begin, Index end, bool descending) {
    return descending ? end - 1 - n : begin + n;
}

// for_tiles_of_vectors for one or two rows from `row` on.
template <int Rows, class F>
FASTLSTM_INLINE void for_few_tiles(Index row, Index group_begin, Index group_end, const F& f, bool descending) {
    constexpr int kMost = kTileGroups<Rows>;
    const Index tiles = ceil_div(group_end - group_begin, kMost);
    for (Index tile = 0; tile < tiles; ++tile) {
        const Index group = group_begin + nth(tile, 0, tiles, descending) * kMost;
        with_count<kMost>(group_end - group, [&](auto p) {
            if constexpr (Rows < kFewestMatrixRows) f(p, Height<Rows>{}, row, group);
        });
    }
}

// Calls f(Count<Groups>, Height, first row, first group) for every tile of rows [begin, end) and groups of so many
// vectors. Groups are the outer loop: a group's panel stays in the nearest cache while the rows pass by it. Rows of one
// tile may take the groups from the last to the first: a sweep that goes back where the one before ended finds the end
// of it in the cache. With more rows each tile fetches a part of the next panel.
template <class T, int Vectors, class F>
FASTLSTM_INLINE void for_tiles_of_vectors(Index begin, Index end, Index group_begin, Index group_end, const F& f,
                                          bool descending) {
    if (end - begin == 1) return for_few_tiles<1>(begin, group_begin, group_end, f, descending);
    if (end - begin == 2) return for_few_tiles<2>(begin, group_begin, group_end, f, descending);
    const bool backwards = descending && end - begin <= kTileRows<T, Vectors>;
    for (Index n = 0; n < group_end - group_begin; ++n) {
        const Index group = nth(n, group_begin, group_end, backwards);
        for_vector_rows<T, Vectors>(begin, end, [&](auto height, Index row) { f(Count<1>{}, height, row, group); });
    }
}

// The same for rows [0, rows), first those of matrix registers; products have k numbers.
template <class T, int Vectors, class F>
FASTLSTM_INLINE void for_tiles(Index rows, Index k, Index group_begin, Index group_end, const F& f) {
    const Index begin = for_matrix_rows(0, rows, k, [&](auto height, Index first, Index last) {
        for (Index group = group_begin; group < group_end; ++group)
            for (Index row = first; row < last; row += height.rows) f(Count<1>{}, height, row, group);
    });
    for_tiles_of_vectors<T, Vectors>(begin, rows, group_begin, group_end, f, false);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
