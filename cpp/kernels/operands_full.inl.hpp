// Operands of products in full precision: weights and left rows are the numbers themselves.
//
// What every precision has in such a file: Panel and panel_of, the right side; LeftRows, LeftList, LeftRuns and their
// tiles, the left; multiply_add; and multiply, which is the same with sums that begin elsewhere.
#pragma once

#include "tile.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr bool kTrains = !kInferenceOnly;

// acc[p][r][v] += a(r) * b[p][v] for one k; whichever operand has fewer packets is held, the other streams.
template <class T, int Groups, int Rows, int Vectors, class Left>
FASTLSTM_INLINE void multiply_add_one(Tile<T, Groups, Rows, Vectors>& acc, const Left& left, const T* b,
                                      Index group_stride) {
    if constexpr (Groups == 1 && Vectors < Rows) {
        Packet<T> w[Vectors];
        FASTLSTM_UNROLL
        for (int v = 0; v < Vectors; ++v) w[v] = pload<Packet<T>>(b + v * kLanes<T>);
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) {
            const Packet<T> a = pset1<Packet<T>>(left(r));
            FASTLSTM_UNROLL
            for (int v = 0; v < Vectors; ++v) acc.at[0][r][v] = pmadd(a, w[v], acc.at[0][r][v]);
        }
    } else {
        Packet<T> a[Rows];
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) a[r] = pset1<Packet<T>>(left(r));
        FASTLSTM_UNROLL
        for (int p = 0; p < Groups; ++p) {
            FASTLSTM_UNROLL
            for (int v = 0; v < Vectors; ++v) {
                const Packet<T> w = pload<Packet<T>>(b + p * group_stride + v * kLanes<T>);
                FASTLSTM_UNROLL
                for (int r = 0; r < Rows; ++r) acc.at[p][r][v] = pmadd(a[r], w, acc.at[p][r][v]);
            }
        }
    }
}

// Whether so many numbers do not stay in the second-level cache from one sweep to the next.
template <class T>
FASTLSTM_INLINE bool is_large(Index numbers) {
    return numbers > static_cast<Index>(512 * 1024 / sizeof(T));
}

// A group's panel in a packed matrix of k rows, and those of the groups that follow.
template <class T>
struct Panel {
    const T* begin;
    Index k, group_stride;
    const T* ahead;  // what a tile of this panel fetches from memory for later tiles, a line with every k; or null
};

// The panel of `group`, whose groups have so many columns.
template <class T>
FASTLSTM_INLINE Panel<T> panel_at(const Packed<T>& packed, Index k, Index group, Index columns) {
    const Index stride = columns * k;
    return {static_cast<const T*>(packed.numbers) + group * stride, k, stride, nullptr};
}

// The panel of `group` for a tile of `height` rows from `row` on, out of `rows` that pass by the groups begin..end.
//
// A matrix that does not fit the second-level cache comes from memory at every sweep. While the rows pass by a panel,
// their tiles fetch the next one: the first tile its first part, and so on; row / height is a tile's number.
template <int Vectors, class T>
FASTLSTM_INLINE Panel<T> panel_of(int height, const Packed<T>& packed, Index k, Index group, Index begin, Index end,
                                  Index row, Index rows) {
    constexpr Index kLine = kCacheLine / sizeof(T), kLinesOfK = Vectors * kLanes<T> / kLine;
    Panel<T> panel = panel_at(packed, k, group, Vectors * kLanes<T>);
    if (height > 2 && rows > height && is_large<T>((end - begin) * panel.group_stride) && row / height < kLinesOfK) {
        const Index next = group + 1 < end ? group + 1 : begin;
        panel.ahead = panel_at(packed, k, next, Vectors * kLanes<T>).begin + row / height * k * kLine;
    }
    return panel;
}

// Whether a panel does not stay in the nearest cache from one tile to the next.
template <class T>
FASTLSTM_INLINE bool leaves_near_cache(const Panel<T>& panel) {
    return panel.group_stride > static_cast<Index>(16 * 1024 / sizeof(T));
}

// Fetches what is read of a panel 32 lines after b, all vectors of one k, from the second-level cache.
template <int Vectors, class T>
FASTLSTM_INLINE void fetch_near(const T* b) {
    constexpr Index kLine = kCacheLine / sizeof(T);
    FASTLSTM_UNROLL
    for (Index at = 0; at < Vectors * kLanes<T>; at += kLine) prefetch_near(b + 32 * kLine + at);
}

// Left rows of a tile.
template <class T, int Rows>
struct LeftTile {
    const T* row[Rows];
};

// Left rows of a tile, each cut into runs of `run` numbers, `run_stride` apart.
template <class T, int Rows>
struct LeftRunsTile {
    LeftTile<T, Rows> first;  // of the runs
    Index run, run_stride;
};

// Left rows of a product, `pitch` apart.
template <class T>
struct LeftRows {
    const T* first;
    Index pitch;

    template <int Rows>
    FASTLSTM_INLINE LeftTile<T, Rows> tile(Index first_row) const {
        LeftTile<T, Rows> left;
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) left.row[r] = first + (first_row + r) * pitch;
        return left;
    }
};

// Left rows that lie anywhere.
template <class T>
struct LeftList {
    const T* const* rows;

    template <int Rows>
    FASTLSTM_INLINE LeftTile<T, Rows> tile(Index first_row) const {
        LeftTile<T, Rows> left;
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) left.row[r] = rows[first_row + r];
        return left;
    }
};

// Either of them, cut into runs.
template <class T, class Uncut>
struct InRuns {
    Uncut rows;
    Index run, run_stride;

    template <int Rows>
    FASTLSTM_INLINE LeftRunsTile<T, Rows> tile(Index first_row) const {
        return {rows.template tile<Rows>(first_row), run, run_stride};
    }
};
template <class T>
using LeftRuns = InRuns<T, LeftRows<T>>;

// The left rows of a product of k numbers each, in one piece or in runs. Another precision rounds them into the memory
// it is given.
template <class T>
FASTLSTM_INLINE LeftRows<T> left_rows(const T* first, Index pitch, Index, Index, const Rounding&) {
    return {first, pitch};
}
template <class T>
FASTLSTM_INLINE LeftList<T> left_list(const T* const* rows, Index, Index, const Rounding&) {
    return {rows};
}
template <class T>
FASTLSTM_INLINE LeftRuns<T> left_runs(const T* first, Index pitch, Index, Index, Index run, Index run_stride,
                                      const Rounding&) {
    return {{first, pitch}, run, run_stride};
}
template <class T>
FASTLSTM_INLINE InRuns<T, LeftList<T>> left_list_in_runs(const T* const* rows, Index, Index, Index run,
                                                         Index run_stride, const Rounding&) {
    return {{rows}, run, run_stride};
}

// Memory for more left rows, behind those rounded there.
template <class T>
FASTLSTM_INLINE Rounding behind(const Rounding& rounded, Index, Index) {
    return rounded;
}

// One left number, and one vector of the right side: for products that are not tiles.
template <class T>
FASTLSTM_INLINE Packet<T> left_number(T number) {
    return pset1<Packet<T>>(number);
}
template <class T>
FASTLSTM_INLINE Packet<T> right_vector(const Panel<T>& panel, Index p, Index k, Index v, Index vectors) {
    return pload<Packet<T>>(panel.begin + p * panel.group_stride + (k * vectors + v) * kLanes<T>);
}

// acc += left · k rows of a panel from b on, which goes on behind them; fetch(b) goes before each.
template <class T, int Groups, int Rows, int Vectors, class Fetch>
FASTLSTM_INLINE void multiply_add_run(Tile<T, Groups, Rows, Vectors>& acc, const LeftTile<T, Rows>& left, Index k,
                                      const T*& b, Index group_stride, Fetch& fetch) {
    for (Index j = 0; j < k; ++j, b += Vectors * kLanes<T>) {
        fetch(b);
        multiply_add_one(acc, [&](int r) { return left.row[r][j]; }, b, group_stride);
    }
}

// acc += left · panel
template <class T, int Groups, int Rows, int Vectors, class Fetch>
FASTLSTM_INLINE void multiply_add_fetching(Tile<T, Groups, Rows, Vectors>& acc, const LeftTile<T, Rows>& left,
                                           const Panel<T>& panel, Fetch fetch) {
    const T* b = panel.begin;
    multiply_add_run(acc, left, panel.k, b, panel.group_stride, fetch);
}
template <class T, int Groups, int Rows, int Vectors, class Fetch>
FASTLSTM_INLINE void multiply_add_fetching(Tile<T, Groups, Rows, Vectors>& acc, const LeftRunsTile<T, Rows>& left,
                                           const Panel<T>& panel, Fetch fetch) {
    const T* b = panel.begin;
    Index offset = 0;
    for (Index k = 0; k < panel.k; k += left.run, offset += left.run_stride) {
        LeftTile<T, Rows> run;
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) run.row[r] = left.first.row[r] + offset;
        multiply_add_run(acc, run, at_most(left.run, panel.k - k), b, panel.group_stride, fetch);
    }
}

// Fetches a line of what comes after this panel, for every k.
template <class T, int Vectors>
struct FetchAhead {
    const T* ahead;

    FASTLSTM_INLINE void operator()(const T* b) {
        prefetch(ahead);
        ahead += kCacheLine / sizeof(T);
        fetch_near<Vectors>(b);
    }
};

template <class T, int Groups, int Rows, int Vectors, class Left>
FASTLSTM_INLINE void multiply_add(Tile<T, Groups, Rows, Vectors>& acc, const Left& left, const Panel<T>& panel) {
    const auto multiply = [&](auto fetch) FASTLSTM_INLINED { multiply_add_fetching(acc, left, panel, fetch); };
    if constexpr (Rows > 2) {
        if (panel.ahead) return multiply(FetchAhead<T, Vectors>{panel.ahead});
        if (leaves_near_cache(panel)) return multiply([](const T* b) FASTLSTM_INLINED { fetch_near<Vectors>(b); });
    }
    multiply([](const T*) FASTLSTM_INLINED {});
}

// acc = beginning + left · panel
template <class T, int Groups, int Rows, int Vectors, class Left>
FASTLSTM_INLINE void multiply(Tile<T, Groups, Rows, Vectors>& acc, const Beginning<T>& beginning, const Left& left,
                              const Panel<T>& panel) {
    set_to(acc, beginning);
    multiply_add(acc, left, panel);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
