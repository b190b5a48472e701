// Operands of products in 8 bits: a row and a column are whole numbers times a scale of their own.
//
//   a · b = s_a s_b sum over k of q_a q_b,  q = round(number / s),  s = largest |number| / largest q
//
// The sums are of whole numbers and exact, so that they do not depend on any order; and all that follows is computed
// with separate products and sums. That is why a row's bits are those of every instruction set.
//
// Packed matrix: [group][k / 2][vector of the group][lane][2], with a scale for every column. Left rows are rounded to
// at most `Rounding::largest`, or to what leaves the sums of k products in 32 bits, and held in 16 bits: a pair of them
// is broadcast. A row or column with a number that is not finite has the scale NaN.
#pragma once

#include <algorithm>
#include <limits>

#include "integers.inl.hpp"
#include "tile.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr bool kTakesMasks = false;

constexpr Index kDepth = 2;  // numbers of a pair
constexpr Index kRoundedTogether = 8;
constexpr float kLargestWeight = 127;
constexpr float kSmallestLargest = 0x1p-100f;  // below it a row or column counts as zero: its inverse stays finite

// What a row or column has to be known of: its scale, and what its numbers are multiplied by.
struct Scaling {
    float scale, factor;

    // faults: 0, or NaN if a number is not finite
    FASTLSTM_INLINE Scaling(float largest, float faults, float largest_whole)
        : scale(largest / largest_whole + faults), factor(largest_whole / largest) {
        if (largest < kSmallestLargest) scale = faults, factor = 0;
    }
};

// The panel of a group: pairs of rows, and the scales of its columns.
template <class T>
struct Panel {
    const std::int8_t* begin;
    Index pairs, group_stride;
    const T* scales;
    Index columns;  // of a group
};

FASTLSTM_INLINE Index bytes_of(Index k, Index columns) { return columns * ceil_div(k, kDepth) * kDepth; }

template <class T>
FASTLSTM_INLINE Panel<T> panel_at(const Packed<T>& packed, Index k, Index group, Index columns) {
    const Index stride = bytes_of(k, columns);
    return {static_cast<const std::int8_t*>(packed.numbers) + group * stride, ceil_div(k, kDepth), stride,
            packed.scales + group * columns, columns};
}

template <int R, int V, class T>
FASTLSTM_INLINE Panel<T> panel_of(const Packed<T>& packed, Index k, Index group, Index, Index, Index, Index) {
    return panel_at(packed, k, group, V * kLanes<T>);
}

template <class T, int R>
struct LeftTile {
    const std::int16_t* row[R];
    const T* scales;  // of the rows
};

// Rounded rows: their scales, and on the next line of the cache the numbers.
template <class T>
struct LeftRows {
    const T* scales;
    const std::int16_t* first;
    Index pitch;

    template <int R>
    FASTLSTM_INLINE LeftTile<T, R> tile(Index first_row) const {
        LeftTile<T, R> left{{}, scales + first_row};
        for (int r = 0; r < R; ++r) left.row[r] = first + (first_row + r) * pitch;
        return left;
    }
};

template <class T>
using LeftList = LeftRows<T>;

FASTLSTM_INLINE Index left_pitch(Index k) { return ceil_div(k, kRoundedTogether) * kRoundedTogether; }
template <class T>
FASTLSTM_INLINE Index scale_bytes(Index rows) {
    return ceil_div(rows * static_cast<Index>(sizeof(T)), kCacheLine) * kCacheLine;
}

template <class T>
Index left_bytes(Index rows, Index k) {
    return scale_bytes<T>(rows) + rows * left_pitch(k) * static_cast<Index>(sizeof(std::int16_t));
}

// The largest whole number of a left row of which k products with weights leave a sum in 32 bits.
FASTLSTM_INLINE float largest_left(Index k, Index wanted) {
    constexpr Index kMost = std::numeric_limits<std::int32_t>::max() / static_cast<Index>(kLargestWeight);
    return static_cast<float>(std::min(wanted, kMost / k));
}

template <class T>
FASTLSTM_INLINE Scaling scaling_of_row(const T* row, Index k, float largest_whole) {
    Packet<T> largest = pset1<Packet<T>>(0), faults = largest;
    for (Index i = 0; i < k; i += kLanes<T>) {
        const Packet<T> numbers = load_first(row + i, k - i);
        largest = Eigen::internal::pmax(largest, Eigen::internal::pabs(numbers));
        faults = padd(faults, pmul(numbers, pset1<Packet<T>>(0)));
    }
    return {Eigen::internal::predux_max(largest), Eigen::internal::predux(faults), largest_whole};
}

template <class T>
FASTLSTM_INLINE void round_row(const T* row, Index k, float factor, std::int16_t* to) {
    Index i = 0;
    for (; i + kRoundedTogether <= k; i += kRoundedTogether) round_eight(row + i, factor, to + i);
    if (i == k) return;
    T rest[kRoundedTogether] = {};
    std::copy(row + i, row + k, rest);
    round_eight(rest, factor, to + i);
}

// Rounds `rows` rows; row(r) is the r-th.
template <class T, class Row>
__attribute__((noinline)) LeftRows<T> rounded_rows(Index rows, Index k, const Rounding& rounding, const Row& row) {
    T* scales = static_cast<T*>(rounding.memory);
    auto* numbers = reinterpret_cast<std::int16_t*>(static_cast<char*>(rounding.memory) + scale_bytes<T>(rows));
    const float largest = largest_left(k, rounding.largest);
    const Index pitch = left_pitch(k);
    for (Index r = 0; r < rows; ++r) {
        const Scaling scaling = scaling_of_row(row(r), k, largest);
        scales[r] = scaling.scale;
        round_row(row(r), k, scaling.factor, numbers + r * pitch);
    }
    return {scales, numbers, pitch};
}

template <class T>
FASTLSTM_INLINE LeftRows<T> left_rows(const T* first, Index pitch, Index rows, Index k, const Rounding& rounding) {
    return rounded_rows<T>(rows, k, rounding, [=](Index r) { return first + r * pitch; });
}
// Of one run each.
template <class T>
FASTLSTM_INLINE LeftRows<T> left_list(const T* const* rows, Index count, Index k, Index, Index,
                                      const Rounding& rounding) {
    return rounded_rows<T>(count, k, rounding, [=](Index r) { return rows[r]; });
}

FASTLSTM_INLINE std::int32_t pair_at(const std::int16_t* p) {
    std::int32_t pair;
    std::memcpy(&pair, p, sizeof(pair));
    return pair;
}

template <int P, int R, int V>
struct SumTile {
    Sums at[P][R][V];
};

// sums[p][r][v] += left(r) · b[p][v] for one pair of rows of b; whichever operand has fewer vectors is held.
template <int P, int R, int V, int W, class Left>
FASTLSTM_INLINE void add_pair(SumTile<P, R, V>& sums, const Left& left, const std::int8_t* b, Index group_stride) {
    if constexpr (P == 1 && V < R) {
        Pairs w[V];
        FASTLSTM_UNROLL
        for (int v = 0; v < V; ++v) w[v] = load_pairs(b + v * kDepth * W);
        FASTLSTM_UNROLL
        for (int r = 0; r < R; ++r) {
            const Pairs a = broadcast(left(r));
            FASTLSTM_UNROLL
            for (int v = 0; v < V; ++v) sums.at[0][r][v] = dot(sums.at[0][r][v], a, w[v]);
        }
    } else {
        Pairs a[R];
        FASTLSTM_UNROLL
        for (int r = 0; r < R; ++r) a[r] = broadcast(left(r));
        FASTLSTM_UNROLL
        for (int p = 0; p < P; ++p) {
            FASTLSTM_UNROLL
            for (int v = 0; v < V; ++v) {
                const Pairs w = load_pairs(b + p * group_stride + v * kDepth * W);
                FASTLSTM_UNROLL
                for (int r = 0; r < R; ++r) sums.at[p][r][v] = dot(sums.at[p][r][v], a[r], w);
            }
        }
    }
}

// acc += left · panel
template <class T, int P, int R, int V>
FASTLSTM_INLINE void multiply_add(Tile<T, P, R, V>& acc, const LeftTile<T, R>& left, const Panel<T>& panel) {
    constexpr int W = kLanes<T>;
    SumTile<P, R, V> sums;
    for_vectors<P, R, V>([&](int p, int r, int v) FASTLSTM_INLINED { sums.at[p][r][v] = no_sums(); });
    const std::int8_t* b = panel.begin;
    for (Index pair = 0; pair < panel.pairs; ++pair, b += V * kDepth * W) {
        add_pair<P, R, V, W>(sums, [&](int r) { return pair_at(left.row[r] + pair * kDepth); }, b, panel.group_stride);
    }
    for_vectors<P, R, V>([&](int p, int r, int v) FASTLSTM_INLINED {
        const Packet<T> scale =
            pmul(pset1<Packet<T>>(left.scales[r]), ploadu<Packet<T>>(panel.scales + p * panel.columns + v * W));
        acc.at[p][r][v] = padd(acc.at[p][r][v], pmul(to_numbers(sums.at[p][r][v]), scale));
    });
}

// One panel, [k][columns], in whole numbers.
template <class T>
void pack_panel(const T* panel, Index k, Index columns, void* to, T* scales) {
    constexpr Index kMostColumns = kGroup * kLanes<T>;
    T largest[kMostColumns] = {}, faults[kMostColumns] = {}, factors[kMostColumns] = {};
    for (Index row = 0; row < k; ++row) {
        for (Index c = 0; c < columns; ++c) {
            const T number = panel[row * columns + c], magnitude = std::abs(number);
            largest[c] = largest[c] < magnitude ? magnitude : largest[c];
            faults[c] += number * T(0);
        }
    }
    for (Index c = 0; c < columns; ++c) {
        const Scaling scaling(largest[c], faults[c], kLargestWeight);
        scales[c] = scaling.scale;
        factors[c] = scaling.factor;
    }
    constexpr T kRounds = 0x1.8p23f;  // added and taken away again: to the nearest whole number
    auto* out = static_cast<std::int8_t*>(to);
    std::fill_n(out, bytes_of(k, columns), std::int8_t(0));
    for (Index row = 0; row < k; ++row) {
        for (Index c = 0; c < columns; ++c) {
            const T whole = (panel[row * columns + c] * factors[c] + kRounds) - kRounds;
            if (faults[c] == 0)
                out[(row / kDepth * columns + c) * kDepth + row % kDepth] = static_cast<std::int8_t>(whole);
        }
    }
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
