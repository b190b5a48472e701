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

#include "sums.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// How many numbers the products of a tile have: the last one, and all together.
struct Depth {
    Index last, all;

    FASTLSTM_INLINE Depth(Index k) : last(k), all(k) {}
};

// Hp: H with the padding of the last vector.
template <class T, class Args>
FASTLSTM_INLINE Index padded_units(const Args& args) {
    return ceil_div(args.hidden_size, kLanes<T>) * kLanes<T>;
}

// Whether the equations of a phase are a few instructions.
template <class Phase>
constexpr bool kIsShort = false;

// Vectors of a whole group.
template <class Phase>
constexpr int kGroupVectors = Phase::kOfCell == 3 ? 3 : kGroup;

// Whether a phase is of float32 in full precision, for which no code is spared.
template <class Phase>
constexpr bool kIsFloat32 = kFull && sizeof(typename Phase::Number) == sizeof(float);

// Whether most rows are in tiles of this height, and a product takes so little time that a call beside it shows.
template <class Phase, int Rows>
constexpr bool kIsUsual = kRegisters == 32 && sizeof(typename Phase::Number) == sizeof(float) &&
                          Rows == kTileRows<typename Phase::Number, kGroupVectors<Phase>>;

// Whether the product of a tile is compiled into the phase. Others share one with all phases: the code would be most of
// the library's.
template <class Phase, int Rows, int Vectors>
constexpr bool kOwnProduct =
    kIsFloat32<Phase> || (Vectors == kGroupVectors<Phase> && (Rows <= 2 || kIsUsual<Phase, Rows>));

// Whether each of so many cells of a tile has a copy of the equations. In float64 and in the reduced precisions they
// are too long for that. Where registers are few, the sums of the other cells would leave none for constants; but the
// way through memory takes longer than a short cell, and in a tile of one or two nothing hides it.
template <class Phase, int Cells>
constexpr bool kCopyEach = kIsFloat32<Phase> && (kRegisters > 16 || Cells < 3 || kIsShort<Phase>);

// The cells of a tile whose sums lie in memory, with one copy of the equations.
template <class Phase, class T, class Args>
FASTLSTM_INLINE void compute_cells(const Args& args, const SumsInMemory<T>& sums, Index row, Index group, Index pitch) {
    const Packet<T>* of_cell = sums.first;
    FASTLSTM_ROLLED
    for (int p = 0; p < sums.shape.groups; ++p) {
        FASTLSTM_ROLLED
        for (int r = 0; r < sums.shape.rows; ++r) {
            FASTLSTM_ROLLED
            for (int v = 0; v < sums.shape.vectors; v += Phase::kOfCell, of_cell += Phase::kOfCell) {
                const auto sum = [&](int i) FASTLSTM_INLINED -> const Packet<T>& { return of_cell[i]; };
                Phase::cell(args, sum, row + r, group + p, v, pitch);
            }
        }
    }
}

template <class Phase, int Groups, int Rows, int Vectors, class Args, class Left>
FASTLSTM_APART void tile_with_product(const Args& args, const Left& left, Index row, Index group) {
    using T = typename Phase::Number;
    constexpr int kOfCell = Phase::kOfCell;
    Tile<T, Groups, Rows, Vectors> acc;
    const Index pitch = padded_units<T>(args);
    Phase::sum(acc, args, left, row, group, pitch);
    if constexpr (kCopyEach<Phase, Groups * Rows * Vectors / kOfCell>) {
        for_vectors<Groups, Rows, Vectors / kOfCell>([&](int p, int r, int cell) FASTLSTM_INLINED {
            const int v = cell * kOfCell;
            const auto sum = [&](int i) FASTLSTM_INLINED -> const Packet<T>& { return acc.at[p][r][v + i]; };
            Phase::cell(args, sum, row + r, group + p, v, pitch);
        });
    } else {
        Packet<T> memory[Groups * Rows * Vectors];
        store(acc, memory);
        compute_cells<Phase>(args, SumsInMemory<T>{acc.shape, memory}, row, group, pitch);
    }
}

template <class Phase, class Args, class Left>
FASTLSTM_APART void tile_of_shape(const Args& args, const Left& left, Shape shape, Index row, Index group) {
    using T = typename Phase::Number;
    Packet<T> memory[kMostSums];
    SumsInMemory<T> sums{shape, memory};
    const Index pitch = padded_units<T>(args);
    Phase::sum(sums, args, left, row, group, pitch);
    compute_cells<Phase>(args, sums, row, group, pitch);
}

template <class Phase, int Groups, int Rows, int Vectors, class Args, class Left>
FASTLSTM_INLINE void phase_tile(const Args& args, const Left& left, Index row, Index group) {
    if constexpr (kOwnProduct<Phase, Rows, Vectors>) {
        tile_with_product<Phase, Groups, Rows, Vectors>(args, left, row, group);
    } else {
        tile_of_shape<Phase>(args, left, Shape{Groups, Rows, Vectors}, row, group);
    }
}

// The tiles of rows that go through matrix registers, so many at a time.
template <class Phase, int Rows, int Vectors, class Args, class Left>
void matrix_tiles(const Args& args, const Left& left, int rows, Index begin, Index end, Index group_begin,
                  Index group_end, Index k);

#if defined(FASTLSTM_AMX)
// As for a Tile, but the rows that there are: past them f would read what is not the tile's.
template <class T, int Rows, int Vectors, class F>
FASTLSTM_INLINE void set_each(MatrixTile<T, Rows, Vectors>& acc, const F& f) {
    FASTLSTM_ROLLED
    for (int r = 0; r < acc.rows; ++r) {
        FASTLSTM_UNROLL
        for (int v = 0; v < Vectors; ++v) acc.at[0][r][v] = f(0, r, v);
    }
}

// The cells begin..end of a tile, whose sums are made.
template <class Phase, int Rows, int Vectors, class Args>
FASTLSTM_APART void compute_matrix_cells(const Args& args,
                                         const MatrixTile<typename Phase::Number, Rows, Vectors>& sums, Index row,
                                         Index group, int begin, int end) {
    const Index pitch = padded_units<typename Phase::Number>(args);
    sums.with_products([&](auto products) FASTLSTM_INLINED {
        FASTLSTM_ROLLED
        for (int cell = begin; cell < end; ++cell) {
            const int first = cell * Phase::kOfCell, r = first / Vectors, v = first % Vectors;
            const auto z = [&](int i)
                               FASTLSTM_INLINED { return sums.template sum<decltype(products)::value>(r, v + i); };
            Phase::cell(args, z, row + r, group, v, pitch);
        }
    });
}

// The cells of a tile that are yet to be computed: some with every matrix of the tile after it.
template <class Phase, int Rows, int Vectors, class Args>
struct CellsBehind {
    const Args& args;
    const int all, with_a_matrix;
    const MatrixTile<typename Phase::Number, Rows, Vectors>* sums;
    Index row, group;
    int next;

    FASTLSTM_INLINE void compute(int end) {
        if (next < end) compute_matrix_cells<Phase, Rows, Vectors>(args, *sums, row, group, next, end);
        next = end;
    }
    FASTLSTM_INLINE void operator()() { compute(next + with_a_matrix < all ? next + with_a_matrix : all); }
};

template <class Phase, int Rows, int Vectors, class Args, class Left>
void matrix_tiles(const Args& args, const Left& left, int rows, Index begin, Index end, Index group_begin,
                  Index group_end, Index k) {
    using Cells = CellsBehind<Phase, Rows, Vectors, Args>;
    const int all = rows * (Vectors / Phase::kOfCell);
    Cells cells{args, all, static_cast<int>(ceil_div(all, matrices_of<Rows, Vectors>(k))), nullptr, 0, 0, all};
    using Accumulators = OverlappedTile<typename Phase::Number, Rows, Vectors, Cells>;
    Accumulators tiles[2] = {Accumulators(cells), Accumulators(cells)};
    int at = 0;
    for (Index n = 0; n < group_end - group_begin; ++n) {
        const Index group = nth(n, group_begin, group_end, args.descending);
        for (Index row = begin; row < end; row += rows) {
            tiles[at].begin(rows);
            Phase::sum(tiles[at], args, left, row, group, padded_units<typename Phase::Number>(args));
            cells.compute(all);
            cells.sums = &tiles[at];
            cells.row = row, cells.group = group, cells.next = 0;
            at = 1 - at;
        }
    }
    cells.compute(all);
}
#endif

// For rows [begin, end) and groups of Vectors, one if they have fewer than a whole one.
template <class Phase, int Vectors, class Args, class Left>
FASTLSTM_INLINE void run_groups(const Args& args, const Left& left, Index begin, Index end, Depth k, Index group_begin,
                                Index group_end) {
    begin = for_matrix_rows(begin, end, k.all, [&](auto height, Index first, Index last) {
        matrix_tiles<Phase, decltype(height)::kMost, Vectors>(args, left, height.rows, first, last, group_begin,
                                                              group_end, k.last);
    });
    for_tiles_of_vectors<typename Phase::Number, Vectors>(
        begin, end, group_begin, group_end,
        [&](auto p, auto height, Index row, Index group) {
            constexpr int kGroups = decltype(p)::value;
            if constexpr (kGroups == 1 || Vectors == kGroupVectors<Phase>) {
                phase_tile<Phase, kGroups, decltype(height)::kMost, Vectors>(args, left, row, group);
            }
        },
        args.descending);
}

// For rows [begin, end) and the groups that the arguments name, of `vectors` vectors in all; the last of them may have
// fewer.
template <class Phase, class Args, class Left>
FASTLSTM_INLINE void run_phase(const Args& args, const Left& left, Index begin, Index end, Depth k, Index vectors) {
    constexpr int kWhole = kGroupVectors<Phase>;
    const Index full = vectors / kWhole;
    run_groups<Phase, kWhole>(args, left, begin, end, k, args.group_begin, at_most(args.group_end, full));
    if constexpr (Phase::kOfCell < kWhole) {
        if (args.group_end <= full) return;
        with_count<kWhole - 1>(vectors % kWhole, [&](auto v) {
            constexpr int kVectors = decltype(v)::value;
            if constexpr (kVectors % Phase::kOfCell == 0) {
                run_groups<Phase, kVectors>(args, left, begin, end, k, full, full + 1);
            }
        });
    }
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
