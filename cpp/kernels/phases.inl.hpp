// How a phase of a visit goes over its tiles: the sums of a tile, then the equations of its cells.
//
// A phase is a struct of static functions. `sum` makes the sums of a tile; `cell` is one cell of it, whose sums are the
// kOfCell vectors z(0), z(1), ... Both get Hp, which is found once a tile: a packet that is stored could be an
// argument's memory to the compiler, which would load it again for every cell.
//
// With matrix registers a tile's sums are made while the cells of the tile before are computed, a few of them with
// every matrix. Both have units of the processor of their own, which lie too far apart in the program to be found busy
// at the same time otherwise.
#pragma once

#include "operands.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// Hp: H with the padding of the last vector.
template <class T, class Args>
FASTLSTM_INLINE Index padded_units(const Args& args) {
    return ceil_div(args.hidden_size, kLanes<T>) * kLanes<T>;
}

// Whether the equations of a phase are a few instructions.
template <class Phase>
constexpr bool kIsShort = false;

// Whether each of so many cells of a tile has a copy of the equations. In float64 and in the reduced precisions they
// are too long for that. Where registers are few, the sums of the other cells would leave none for constants; but the
// way through memory takes longer than a short cell, and in a tile of one or two nothing hides it.
template <class Phase, int kCells>
constexpr bool kCopyEach =
    kFull && sizeof(typename Phase::Number) == sizeof(float) && (kRegisters > 16 || kCells < 3 || kIsShort<Phase>);

template <class Phase, int P, int R, int V, class Args, class Left>
FASTLSTM_APART void phase_tile(const Args& args, const Left& left, Index row, Index group) {
    using T = typename Phase::Number;
    Tile<T, P, R, V> sums;
    const Index pitch = padded_units<T>(args);
    Phase::sum(sums, args, left, row, group, pitch);
    constexpr int K = Phase::kOfCell;
    for_cells<K, kCopyEach<Phase, P * R * V / K>>(sums, [&](const auto& z, int p, int r, int v) FASTLSTM_INLINED {
        const auto sum = [&](int i) FASTLSTM_INLINED -> const Packet<T>& { return z.at[p][r][v + i]; };
        Phase::cell(args, sum, row + r, group + p, v, pitch);
    });
}

// The tiles of rows that go through matrix registers.
template <class Phase, int R, int V, class Args, class Left>
void matrix_tiles(const Args& args, const Left& left, Index begin, Index end, Index group_begin, Index group_end,
                  Index k);

#if defined(FASTLSTM_AMX)
// The cells begin..end of a tile, whose sums are made.
template <class Phase, int R, int V, class Args>
FASTLSTM_APART void compute_cells(const Args& args, const MatrixTile<typename Phase::Number, R, V>& sums, Index row,
                                  Index group, int begin, int end) {
    const Index pitch = padded_units<typename Phase::Number>(args);
    sums.with_products([&](auto products) FASTLSTM_INLINED {
        FASTLSTM_ROLLED
        for (int cell = begin; cell < end; ++cell) {
            const int first = cell * Phase::kOfCell, r = first / V, v = first % V;
            const auto z = [&](int i)
                               FASTLSTM_INLINED { return sums.template sum<decltype(products)::value>(r, v + i); };
            Phase::cell(args, z, row + r, group, v, pitch);
        }
    });
}

// The cells of a tile that are yet to be computed: some with every matrix of the tile after it.
template <class Phase, int R, int V, class Args>
struct CellsBehind {
    static constexpr int kCells = R * V / Phase::kOfCell;

    const Args& args;
    const int with_a_matrix;
    const MatrixTile<typename Phase::Number, R, V>* sums;
    Index row, group;
    int next = kCells;

    FASTLSTM_INLINE void compute(int end) {
        if (next < end) compute_cells<Phase, R, V>(args, *sums, row, group, next, end);
        next = end;
    }
    FASTLSTM_INLINE void operator()() { compute(next + with_a_matrix < kCells ? next + with_a_matrix : kCells); }
};

template <class Phase, int R, int V, class Args, class Left>
void matrix_tiles(const Args& args, const Left& left, Index begin, Index end, Index group_begin, Index group_end,
                  Index k) {
    using Cells = CellsBehind<Phase, R, V, Args>;
    Cells cells{args, static_cast<int>(ceil_div(Cells::kCells, matrices_of<R, V>(k))), nullptr, 0, 0};
    using Accumulators = OverlappedTile<typename Phase::Number, R, V, Cells>;
    Accumulators tiles[2] = {Accumulators(cells), Accumulators(cells)};
    int at = 0;
    for (Index group = group_begin; group < group_end; ++group) {
        for (Index row = begin; row < end; row += R) {
            tiles[at].begin();
            Phase::sum(tiles[at], args, left, row, group, padded_units<typename Phase::Number>(args));
            cells.compute(Cells::kCells);
            cells.sums = &tiles[at];
            cells.row = row, cells.group = group, cells.next = 0;
            at = 1 - at;
        }
    }
    cells.compute(Cells::kCells);
}
#endif

// Vectors of a whole group.
template <class Phase>
constexpr int kGroupVectors = Phase::kOfCell == 3 ? 3 : kGroup;

// For rows [begin, end) and groups of V vectors, one if they have fewer than a whole one; products have k numbers.
template <class Phase, int V, class Args, class Left>
FASTLSTM_INLINE void run_groups(const Args& args, const Left& left, Index begin, Index end, Index k, Index group_begin,
                                Index group_end, bool descending = false) {
    const Index rest = for_matrix_rows(begin, end, k, [&](auto r, Index first, Index last) {
        matrix_tiles<Phase, decltype(r)::value, V>(args, left, first, last, group_begin, group_end, k);
    });
    for_tiles_of_vectors<typename Phase::Number, V>(
        rest, end, group_begin, group_end,
        [&](auto p, auto r, Index row, Index group) {
            constexpr int P = decltype(p)::value;
            if constexpr (P == 1 || V == kGroupVectors<Phase>) {
                phase_tile<Phase, P, decltype(r)::value, V>(args, left, row, group);
            }
        },
        descending);
}

// For rows [begin, end) and the groups that the arguments name, of `vectors` vectors in all; the last of them may have
// fewer.
template <class Phase, class Args, class Left>
FASTLSTM_INLINE void run_phase(const Args& args, const Left& left, Index begin, Index end, Index k, Index vectors,
                               bool descending = false) {
    constexpr int kVectors = kGroupVectors<Phase>;
    const Index full = vectors / kVectors;
    run_groups<Phase, kVectors>(args, left, begin, end, k, args.group_begin, at_most(args.group_end, full), descending);
    if constexpr (Phase::kOfCell < kVectors) {
        if (args.group_end <= full) return;
        with_count<kVectors - 1>(vectors % kVectors, [&](auto v) {
            constexpr int V = decltype(v)::value;
            if constexpr (V % Phase::kOfCell == 0) {
                run_groups<Phase, V>(args, left, begin, end, k, full, full + 1);
            }
        });
    }
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
