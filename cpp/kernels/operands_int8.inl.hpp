// Operands of products in 8 bits: a row and a column are whole numbers times a scale of their own.
//
//   a · b = s_a s_b sum over k of q_a q_b,  q = round(number / s),  s = largest |number| / largest q
//
// The sums are of whole numbers and exact, so that they do not depend on any order; and in all that follows a
// multiply-add rounds once. That is why a row's bits are those of every instruction set.
//
// Packed matrix: panels of [vector][lane] sums to begin with, of 32 bits, and then [k / kDepth][vector][lane][kDepth]
// weights, or the same in pieces for matrix registers; and a scale for every column. Left rows are rounded to at most
// `Rounding::largest`, or to what leaves the sums of k products in 32 bits. A row or column with a number that is not
// finite has the scale NaN.
#pragma once

#include <algorithm>
#include <limits>

#include "integers.inl.hpp"
#include "pieces.inl.hpp"
#include "tile.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr bool kTrains = false;

// One number at a time, two words, so that the sums of the next panel are aligned.
constexpr Index kWordsTogether = kLanes<float> == 1 ? 2 : kPieceWords;
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

// The panel of a group.
template <class T>
struct Panel {
    const std::int8_t* begin;
    Index words;         // of a column
    Index group_stride;  // bytes
    const T* scales;     // of its columns
    Index columns;       // of a group
};

constexpr Index kSumBytes = sizeof(std::int32_t);

// Words of k numbers, as many as products take at a time.
FASTLSTM_INLINE Index words_of(Index k) { return ceil_div(k, kDepth * kWordsTogether) * kWordsTogether; }

FASTLSTM_INLINE Index matrix_bytes(Index k, Index columns) { return columns * (kSumBytes + words_of(k) * kDepth); }

template <class T>
FASTLSTM_INLINE Panel<T> panel_at(const Packed<T>& packed, Index k, Index group, Index columns) {
    const Index stride = matrix_bytes(k, columns);
    return {static_cast<const std::int8_t*>(packed.numbers) + group * stride, words_of(k), stride,
            packed.scales + group * columns, columns};
}

template <int Vectors, class T>
FASTLSTM_INLINE Panel<T> panel_of(int, const Packed<T>& packed, Index k, Index group, Index, Index, Index, Index) {
    return panel_at(packed, k, group, Vectors * kLanes<T>);
}

template <class T, int Rows>
struct LeftTile {
    const LeftNumber* row[Rows];
    const T* scales;  // of the rows
    Index step;       // of matrix registers
};

// Rounded rows: their scales, and on the next line of the cache the numbers.
template <class T>
struct LeftRows {
    const T* scales;
    const LeftNumber* first;
    RowPieces<LeftNumber> pieces;

    template <int Rows>
    FASTLSTM_INLINE LeftTile<T, Rows> tile(Index first_row) const {
        LeftTile<T, Rows> left{{}, scales + first_row, pieces.step()};
        for (int r = 0; r < Rows; ++r) left.row[r] = first + pieces.row(first_row + r);
        return left;
    }
};

template <class T>
using LeftList = LeftRows<T>;
template <class T>
using LeftRuns = LeftRows<T>;

FASTLSTM_INLINE Index left_pitch(Index k) {
    return ceil_div(words_of(k) * kDepth, kRoundedTogether) * kRoundedTogether;
}
template <class T>
FASTLSTM_INLINE Index scale_bytes(Index rows) {
    return ceil_div(rows * static_cast<Index>(sizeof(T)), kCacheLine) * kCacheLine;
}

template <class T>
Index left_bytes(Index rows, Index k) {
    return scale_bytes<T>(rows) + RowPieces<LeftNumber>::total(rows, left_pitch(k)) * Index(sizeof(LeftNumber));
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
FASTLSTM_INLINE void round_row(const T* row, Index k, float factor, const RowPieces<LeftNumber>& pieces,
                               LeftNumber* to) {
    Index i = 0;
    for (; i + kRoundedTogether <= k; i += kRoundedTogether) round_together(row + i, factor, to + pieces.element(i));
    if (i == k) return;
    T tail[kRoundedTogether] = {};
    std::copy(row + i, row + k, tail);
    round_together(tail, factor, to + pieces.element(i));
}

// Rounds `rows` rows; row(r) is the r-th.
template <class T, class Row>
__attribute__((noinline)) LeftRows<T> rounded_rows(Index rows, Index k, const Rounding& rounding, const Row& row) {
    T* scales = static_cast<T*>(rounding.memory);
    auto* numbers = reinterpret_cast<LeftNumber*>(static_cast<char*>(rounding.memory) + scale_bytes<T>(rows));
    const float largest = largest_left(k, rounding.largest);
    const RowPieces<LeftNumber> pieces(rows, left_pitch(k));
    for (Index r = 0; r < rows; ++r) {
        const Scaling scaling = scaling_of_row(row(r), k, largest);
        scales[r] = scaling.scale;
        round_row(row(r), k, scaling.factor, pieces, numbers + pieces.row(r));
    }
    return {scales, numbers, pieces};
}

template <class T>
FASTLSTM_INLINE LeftRows<T> left_rows(const T* first, Index pitch, Index rows, Index k, const Rounding& rounding) {
    return rounded_rows<T>(rows, k, rounding, [=](Index r) { return first + r * pitch; });
}
template <class T>
FASTLSTM_INLINE LeftRows<T> left_list(const T* const* rows, Index count, Index k, const Rounding& rounding) {
    return rounded_rows<T>(count, k, rounding, [=](Index r) { return rows[r]; });
}
// Of one run each.
template <class T>
FASTLSTM_INLINE LeftRows<T> left_list_in_runs(const T* const* rows, Index count, Index k, Index, Index,
                                              const Rounding& rounding) {
    return left_list(rows, count, k, rounding);
}

FASTLSTM_INLINE std::int32_t word_at(const LeftNumber* p) {
    std::int32_t word;
    std::memcpy(&word, p, sizeof(word));
    return word;
}

template <int Groups, int Rows, int Vectors>
struct SumTile {
    Sums at[Groups][Rows][Vectors];
};

// acc += sums, in numbers
template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void add_sums(Tile<T, Groups, Rows, Vectors>& acc, const SumTile<Groups, Rows, Vectors>& sums,
                              const LeftTile<T, Rows>& left, const Panel<T>& panel) {
    for_vectors<Groups, Rows, Vectors>([&](int p, int r, int v) FASTLSTM_INLINED {
        const T* column = panel.scales + p * panel.columns + v * kLanes<T>;
        const Packet<T> scale = pmul(pset1<Packet<T>>(left.scales[r]), ploadu<Packet<T>>(column));
        acc.at[p][r][v] = padd(acc.at[p][r][v], pmul(to_numbers(sums.at[p][r][v]), scale));
    });
}

// sums[p][r][v] += left(r) · b[p][v] for one word of every column; whichever operand has fewer vectors is held.
template <int Groups, int Rows, int Vectors, int Lanes, class Left>
FASTLSTM_INLINE void add_word(SumTile<Groups, Rows, Vectors>& sums, const Left& left, const std::int8_t* b,
                              Index group_stride) {
    constexpr int kVector = kPieceWords * kDepth * Lanes;
    if constexpr (Groups == 1 && Vectors < Rows) {
        Words w[Vectors];
        FASTLSTM_UNROLL
        for (int v = 0; v < Vectors; ++v) w[v] = load_weights(b + v * kVector);
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) {
            const Words a = broadcast(left(r));
            FASTLSTM_UNROLL
            for (int v = 0; v < Vectors; ++v) sums.at[0][r][v] = dot(sums.at[0][r][v], a, w[v]);
        }
    } else {
        Words a[Rows];
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) a[r] = broadcast(left(r));
        FASTLSTM_UNROLL
        for (int p = 0; p < Groups; ++p) {
            FASTLSTM_UNROLL
            for (int v = 0; v < Vectors; ++v) {
                const Words w = load_weights(b + p * group_stride + v * kVector);
                FASTLSTM_UNROLL
                for (int r = 0; r < Rows; ++r) sums.at[p][r][v] = dot(sums.at[p][r][v], a[r], w);
            }
        }
    }
}

// sums = left · panel
template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void multiply_vectors(SumTile<Groups, Rows, Vectors>& sums, const LeftTile<T, Rows>& left,
                                      const Panel<T>& panel) {
    constexpr int lanes = kLanes<T>;
    for_vectors<Groups, Rows, Vectors>([&](int p, int r, int v) FASTLSTM_INLINED {
        const std::int8_t* begin = panel.begin + p * panel.group_stride;
        sums.at[p][r][v] = load_sums(reinterpret_cast<const std::int32_t*>(begin) + v * lanes);
    });
    const std::int8_t* b = panel.begin + Vectors * lanes * kSumBytes;
    Index line = 0;  // of a row
    for (Index word = 0; word < panel.words; word += kPieceWords, line += left.step) {
        FASTLSTM_ROLLED
        for (Index w = 0; w < kPieceWords; ++w, b += lanes * kDepth) {
            const Index element = kMatrices ? line + w * kDepth : word * kDepth;
            add_word<Groups, Rows, Vectors, lanes>(
                sums, [&](int r) { return word_at(left.row[r] + element); }, b, panel.group_stride);
        }
        b += (Vectors - 1) * kPieceWords * lanes * kDepth;
    }
}

#if defined(FASTLSTM_AMX)
struct MatrixDot {
    template <int SumsAt, int LeftAt, int RightAt>
    static FASTLSTM_INLINE void add() {
        asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(SumsAt), "i"(LeftAt), "i"(RightAt));
    }
};

// The same through matrix registers.
template <class T, int Rows, int Vectors, class Meanwhile = const Nothing>
FASTLSTM_INLINE void multiply_matrices(SumTile<1, Rows, Vectors>& sums, const LeftTile<T, Rows>& left,
                                       const Panel<T>& panel, Meanwhile&& meanwhile = Nothing{}) {
    static_assert(sizeof(Sums) == kMatrixRowBytes);
    multiply_in_matrices<MatrixDot, Rows, Vectors>({panel.begin, nullptr, 0, &sums, Vectors * kMatrixRowBytes}, left,
                                                   panel.begin + Vectors * kMatrixRowBytes, panel.words, meanwhile);
}

// Rows of sums = beginning + left · panel
template <int Rows, int Vectors, class T>
FASTLSTM_INLINE void multiply_matrices(const SumsInMemory<T>& sums, const Beginning<T>& beginning,
                                       const LeftTile<T, Rows>& left, const Panel<T>& panel) {
    SumTile<1, Rows, Vectors> whole;
    multiply_matrices(whole, left, panel);
    for (int r = 0; r < sums.shape.rows; ++r) {
        const Packet<T> row = pset1<Packet<T>>(left.scales[r]);
        FASTLSTM_UNROLL
        for (int v = 0; v < Vectors; ++v) {
            const Packet<T> scale = pmul(row, ploadu<Packet<T>>(panel.scales + v * kLanes<T>));
            const Packet<T> begin = beginning.first ? beginning.template vector<Vectors>(0, r, v) : pset1<Packet<T>>(0);
            sums.first[r * Vectors + v] = padd(begin, pmul(to_numbers(whole.at[0][r][v]), scale));
        }
    }
}

// The sums of a tile for cells that are computed later: whole numbers, of one or two products, until then.
template <class T, int Rows, int Vectors>
struct MatrixTile : Tile<T, 1, Rows, Vectors> {
    Beginning<T> beginning;
    int rows, products;
    SumTile<1, Rows, Vectors> sums[2];
    const T *row_scales[2], *column_scales[2];

    // Calls f(Count<n>) for the number of products.
    template <class F>
    FASTLSTM_INLINE void with_products(const F& f) const {
        with_count<2>(products, f);
    }

    FASTLSTM_INLINE void begin(int count) {
        rows = count;
        beginning = begin_with(reinterpret_cast<const T*>(this->at), Vectors * kLanes<T>);
        products = 0;
    }

    // As add_sums adds them.
    template <int Products>
    FASTLSTM_INLINE Packet<T> sum(int r, int v) const {
        Packet<T> sum = beginning.template vector<Vectors>(0, r, v);
        for (int n = 0; n < Products; ++n) {
            const Packet<T> column = ploadu<Packet<T>>(column_scales[n] + v * kLanes<T>);
            const Packet<T> scale = pmul(pset1<Packet<T>>(row_scales[n][r]), column);
            sum = padd(sum, pmul(to_numbers(sums[n].at[0][r][v]), scale));
        }
        return sum;
    }
};

// sums += left · panel
template <class T, int Rows, int Vectors, class Meanwhile>
FASTLSTM_INLINE void add_product(OverlappedTile<T, Rows, Vectors, Meanwhile>& acc, const LeftTile<T, Rows>& left,
                                 const Panel<T>& panel) {
    const int n = acc.products++;
    multiply_matrices(acc.sums[n], left, panel, acc.meanwhile);
    acc.row_scales[n] = left.scales;
    acc.column_scales[n] = panel.scales;
}
template <class T, int Rows, int Vectors, class Meanwhile>
FASTLSTM_INLINE void multiply(OverlappedTile<T, Rows, Vectors, Meanwhile>& acc, const Beginning<T>& beginning,
                              const LeftTile<T, Rows>& left, const Panel<T>& panel) {
    acc.beginning = beginning;
    add_product(acc, left, panel);
}
template <class T, int Rows, int Vectors, class Meanwhile>
FASTLSTM_INLINE void multiply_add(OverlappedTile<T, Rows, Vectors, Meanwhile>& acc, const LeftTile<T, Rows>& left,
                                  const Panel<T>& panel) {
    add_product(acc, left, panel);
}
#endif

// acc += left · panel
template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void multiply_add(Tile<T, Groups, Rows, Vectors>& acc, const LeftTile<T, Rows>& left,
                                  const Panel<T>& panel) {
    SumTile<Groups, Rows, Vectors> sums;
    multiply_vectors(sums, left, panel);
    add_sums(acc, sums, left, panel);
}

// acc = beginning + left · panel
template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void multiply(Tile<T, Groups, Rows, Vectors>& acc, const Beginning<T>& beginning,
                              const LeftTile<T, Rows>& left, const Panel<T>& panel) {
    SumTile<Groups, Rows, Vectors> sums;
    multiply_vectors(sums, left, panel);
    set_to(acc, beginning);
    add_sums(acc, sums, left, panel);
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
        factors[c] = faults[c] == 0 ? scaling.factor : 0;
    }
    constexpr T kRounds = 0x1.8p23f;  // added and taken away again: to the nearest whole number
    std::int32_t sums[kMostColumns] = {};
    auto* out = static_cast<std::int8_t*>(to) + columns * kSumBytes;
    std::fill_n(out, columns * words_of(k) * kDepth, std::int8_t(0));
    for (Index row = 0; row < k; ++row) {
        for (Index c = 0; c < columns; ++c) {
            if (factors[c] == 0) continue;
            const auto whole = static_cast<std::int8_t>((panel[row * columns + c] * factors[c] + kRounds) - kRounds);
            out[word_place(row / kDepth, c, columns) * kDepth + row % kDepth] = whole;
            sums[c] -= kShift * whole;
        }
    }
    std::memcpy(to, sums, static_cast<std::size_t>(columns * kSumBytes));
}

// What training takes, which whole numbers do not do: names without a definition.
template <class T>
Packet<T> right_vector(const Panel<T>& panel, Index p, Index k, Index v, Index vectors);
template <class T>
Rounding behind(const Rounding& rounded, Index rows, Index k);
template <class T>
void outer(const OuterArgs<T>& args);

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
