// The register tile every product is made of: Groups x Rows x Vectors accumulators, numbered p, r, v.
//
// Each output is one chain over k in rising order, whatever the tile: that is why a row's bits do not depend on the
// batch it is in or on the number of threads.
#pragma once

#include "tiling.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

struct Shape {
    int groups, rows, vectors;
};

template <class T, int Groups, int Rows, int Vectors>
struct Tile {
    static constexpr Shape shape = {Groups, Rows, Vectors};
    Packet<T> at[Groups][Rows][Vectors];
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
template <int Groups, int Rows, int Vectors, class F>
FASTLSTM_INLINE void for_vectors(const F& f) {
    FASTLSTM_UNROLL
    for (int p = 0; p < Groups; ++p) {
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) {
            FASTLSTM_UNROLL
            for (int v = 0; v < Vectors; ++v) f(p, r, v);
        }
    }
}

template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void set_to_zero(Tile<T, Groups, Rows, Vectors>& acc) {
    for_vectors<Groups, Rows, Vectors>([&](int p, int r, int v)
                                           FASTLSTM_INLINED { acc.at[p][r][v] = pset1<Packet<T>>(T(0)); });
}

// The sums of a tile in memory, of a shape that is known when the program runs: [groups][rows][vectors]
template <class T>
struct SumsInMemory {
    Shape shape;
    Packet<T>* first;

    FASTLSTM_INLINE Packet<T>& at(int p, int r, int v) const { return first[(p * shape.rows + r) * shape.vectors + v]; }
};

// Sets each to f(p, r, v).
template <class T, class F>
FASTLSTM_INLINE void set_each(const SumsInMemory<T>& sums, const F& f) {
    for (int p = 0; p < sums.shape.groups; ++p)
        for (int r = 0; r < sums.shape.rows; ++r)
            for (int v = 0; v < sums.shape.vectors; ++v) sums.at(p, r, v) = f(p, r, v);
}
template <class T, int Groups, int Rows, int Vectors, class F>
FASTLSTM_INLINE void set_each(Tile<T, Groups, Rows, Vectors>& acc, const F& f) {
    for_vectors<Groups, Rows, Vectors>([&](int p, int r, int v) FASTLSTM_INLINED { acc.at[p][r][v] = f(p, r, v); });
}

// Copies those of a tile.
template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void store(const Tile<T, Groups, Rows, Vectors>& acc, Packet<T>* sums) {
    for_vectors<Groups, Rows, Vectors>([&](int p, int r, int v)
                                           FASTLSTM_INLINED { sums[(p * Rows + r) * Vectors + v] = acc.at[p][r][v]; });
}

// What the sums of a tile begin with: rows of numbers `row_pitch` apart, groups of so many vectors `group_pitch` apart;
// one row for all at a pitch of 0; zeros where there is none. The last vector of a group may begin with numbers that
// are the same for all rows.
template <class T>
struct Beginning {
    const T* first;
    Index row_pitch, group_pitch;
    const T* last;

    template <int Vectors>
    FASTLSTM_INLINE Packet<T> vector(int p, int r, int v) const {
        if (v == Vectors - 1 && last) return pload<Packet<T>>(last + p * kLanes<T>);
        return pload<Packet<T>>(first + r * row_pitch + p * group_pitch + v * kLanes<T>);
    }
};

// Rows of groups side by side.
template <class T>
FASTLSTM_INLINE Beginning<T> begin_with(const T* first, Index row_pitch) {
    return {first, row_pitch, kGroup * kLanes<T>, nullptr};
}

template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void set_to(Tile<T, Groups, Rows, Vectors>& acc, const Beginning<T>& beginning) {
    if (!beginning.first) return set_to_zero(acc);
    for_vectors<Groups, Rows, Vectors>(
        [&](int p, int r, int v) FASTLSTM_INLINED { acc.at[p][r][v] = beginning.template vector<Vectors>(p, r, v); });
}

// As for_tiles, over `vectors` vectors in groups of four of which the last may have fewer: f gets Count<Vectors>, too.
template <class T, class F>
FASTLSTM_INLINE void for_vector_tiles(Index rows, Index k, Index vectors, Index group_begin, Index group_end,
                                      const F& f) {
    const Index full = vectors / kGroup;
    for_tiles<T, kGroup>(
        rows, k, group_begin, at_most(group_end, full),
        [&](auto p, auto height, Index row, Index group) { f(p, height, Count<kGroup>{}, row, group); });
    if (group_end <= full) return;
    with_count<kGroup - 1>(vectors % kGroup, [&](auto v) {
        for_tiles<T, decltype(v)::value>(rows, k, full, full + 1, [&](auto p, auto height, Index row, Index group) {
            if constexpr (decltype(p)::value == 1) f(p, height, v, row, group);
        });
    });
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
