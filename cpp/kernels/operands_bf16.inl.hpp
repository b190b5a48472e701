// Operands of products in bfloat16: the upper half of a float32, rounded to nearest, ties to even. Sums are float32.
//
// A packed matrix has words of two rows: [group][k / 2][vector][lane] of 32 bits, the even k below and the odd above,
// or in pieces for matrix registers. Its products go into a sum the odd one first, each a multiply-add that rounds
// once: a product of two bfloat16 has no more bits than a float32. So does the instruction where there is one, and a
// row's bits are the same with it and without. Matrix registers have an order of their own, the same for every number
// of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "bits.inl.hpp"
#include "pieces.inl.hpp"
#include "tile.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr bool kTrains = !kInferenceOnly;
constexpr Index kDepth = 2;  // numbers of a word

constexpr std::uint32_t kUpperHalf = 0xffff0000u;

FASTLSTM_INLINE std::uint32_t bits_of(float number) {
    std::uint32_t bits;
    std::memcpy(&bits, &number, sizeof(bits));
    return bits;
}

FASTLSTM_INLINE float number_of(std::uint32_t bits) {
    float number;
    std::memcpy(&number, &bits, sizeof(number));
    return number;
}

// The bits of a number rounded to bfloat16, as those of a float32. A subnormal one is 0, as it is in a product.
FASTLSTM_INLINE std::uint32_t rounded_bits(float number) {
    const std::uint32_t bits = bits_of(number), magnitude = bits & 0x7fffffffu;
    if (magnitude < 0x00800000u) return bits & 0x80000000u;
    if (magnitude > 0x7f800000u) return (bits & kUpperHalf) | 0x00400000u;  // a NaN stays one
    return (bits + 0x7fffu + (bits >> 16 & 1)) & kUpperHalf;
}

template <class T>
struct Panel {
    const std::uint32_t* begin;
    Index words, group_stride;
};

// Words of k numbers, as many as products take at a time.
FASTLSTM_INLINE Index words_of(Index k) { return ceil_div(k, kDepth * kPieceWords) * kPieceWords; }

FASTLSTM_INLINE Index matrix_bytes(Index k, Index columns) {
    return columns * words_of(k) * static_cast<Index>(sizeof(std::uint32_t));
}

template <class T>
FASTLSTM_INLINE Panel<T> panel_at(const Packed<T>& packed, Index k, Index group, Index columns) {
    const Index stride = columns * words_of(k);
    return {static_cast<const std::uint32_t*>(packed.numbers) + group * stride, words_of(k), stride};
}

template <int Vectors, class T>
FASTLSTM_INLINE Panel<T> panel_of(int, const Packed<T>& packed, Index k, Index group, Index, Index, Index, Index) {
    return panel_at(packed, k, group, Vectors * kLanes<T>);
}

// --- The left side ---------------------------------------------------------------------------------------------------

// What a word of a left row is held in: the instruction takes a word, else its numbers are those of two floats.
#if defined(__AVX512BF16__)
#if defined(FASTLSTM_AMX)
constexpr const char* kHow = "bfloat16, matrices of AMX";
#else
constexpr const char* kHow = "bfloat16, two products an instruction";
#endif
using LeftWord = std::uint32_t;
FASTLSTM_INLINE LeftWord left_word(float even, float odd) { return rounded_bits(even) >> 16 | rounded_bits(odd); }

// Two vectors rounded, one after the other.
FASTLSTM_INLINE __m512i rounded_vectors(const Packet<float>& first, const Packet<float>& second) {
    return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
}

FASTLSTM_INLINE __m256i rounded_vector(const Packet<float>& numbers) {
    return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(numbers));
}

// The words of a vector of even and one of odd numbers.
FASTLSTM_INLINE __m512i words_of_vectors(const Packet<float>& even, const Packet<float>& odd) {
    const __m256i lanes = _mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i even_places = _mm512_cvtepu16_epi32(lanes);
    const __m512i odd_places = _mm512_slli_epi32(_mm512_add_epi32(even_places, _mm512_set1_epi32(kLanes<float>)), 16);
    return _mm512_permutexvar_epi16(_mm512_or_si512(even_places, odd_places), rounded_vectors(even, odd));
}
#else
constexpr const char* kHow = "bfloat16, widened to float32 before it is multiplied";
struct LeftWord {
    float even, odd;
};
FASTLSTM_INLINE LeftWord left_word(float even, float odd) {
    return {number_of(rounded_bits(even)), number_of(rounded_bits(odd))};
}
#endif

template <class T, int Rows>
struct LeftTile {
    const LeftWord* row[Rows];
    Index step;  // of matrix registers
};

template <class T>
struct LeftRows {
    const LeftWord* first;
    RowPieces<LeftWord> pieces;

    template <int Rows>
    FASTLSTM_INLINE LeftTile<T, Rows> tile(Index first_row) const {
        LeftTile<T, Rows> left;
        for (int r = 0; r < Rows; ++r) left.row[r] = first + pieces.row(first_row + r);
        left.step = pieces.step();
        return left;
    }
};

template <class T>
using LeftList = LeftRows<T>;
template <class T>
using LeftRuns = LeftRows<T>;

FASTLSTM_INLINE Index left_bytes(Index rows, Index k) {
    return RowPieces<LeftWord>::total(rows, words_of(k)) * static_cast<Index>(sizeof(LeftWord));
}

// A run of numbers to the words of a row from `word` on; an odd one more goes with a zero. Returns the word after them.
FASTLSTM_INLINE Index round_run(const float* numbers, Index count, const RowPieces<LeftWord>& pieces, LeftWord* row,
                                Index word) {
    Index k = 0;
#if defined(__AVX512BF16__)
    constexpr Index lanes = kLanes<float>;
    constexpr Index kWords = lanes / kDepth;  // of a vector
    const auto vector = [&](Index at) FASTLSTM_INLINED { return ploadu<Packet<float>>(numbers + at); };
    // A line has the words of two vectors. Runs but the last are of whole vectors.
    while (count - k >= lanes) {
        LeftWord* to = row + pieces.element(word);
        const bool two = count - k >= 2 * lanes && word % lanes == 0;
        if (two) {
            _mm512_storeu_si512(to, rounded_vectors(vector(k), vector(k + lanes)));
        } else {
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), rounded_vector(vector(k)));
        }
        k += two ? 2 * lanes : lanes;
        word += two ? 2 * kWords : kWords;
    }
#endif
    for (; k + 1 < count; k += kDepth) row[pieces.element(word++)] = left_word(numbers[k], numbers[k + 1]);
    if (count % kDepth) row[pieces.element(word++)] = left_word(numbers[count - 1], 0);
    return word;
}

// k numbers in runs to words. Runs but the last have an even number, as packets do, where these are no single ones.
FASTLSTM_INLINE Index round_runs(const float* numbers, Index k, Index run, Index run_stride,
                                 const RowPieces<LeftWord>& pieces, LeftWord* row) {
    Index word = 0;
    if constexpr (kLanes<float> == 1) {
        const auto at = [&](Index i) { return i < k ? numbers[i / run * run_stride + i % run] : 0; };
        for (Index i = 0; i < k; i += kDepth) row[word++] = left_word(at(i), at(i + 1));
    } else {
        for (Index done = 0; done < k; done += run, numbers += run_stride) {
            word = round_run(numbers, at_most(run, k - done), pieces, row, word);
        }
    }
    return word;
}

// Rounds `rows` rows of k numbers in runs; row(r) is the r-th.
template <class T, class Row>
__attribute__((noinline)) LeftRows<T> rounded_rows(Index rows, Index k, Index run, Index run_stride,
                                                   const Rounding& rounding, const Row& row) {
    auto* words = static_cast<LeftWord*>(rounding.memory);
    const Index pitch = words_of(k);
    const RowPieces<LeftWord> pieces(rows, pitch);
    for (Index r = 0; r < rows; ++r) {
        LeftWord* to = words + pieces.row(r);
        Index word = round_runs(row(r), k, run, run_stride, pieces, to);
        for (; word < pitch; ++word) to[pieces.element(word)] = LeftWord{};
    }
    return {words, pieces};
}

template <class T>
FASTLSTM_INLINE LeftRows<T> left_runs(const T* first, Index pitch, Index rows, Index k, Index run, Index run_stride,
                                      const Rounding& rounding) {
    return rounded_rows<T>(rows, k, run, run_stride, rounding, [=](Index r) { return first + r * pitch; });
}
template <class T>
FASTLSTM_INLINE LeftRows<T> left_rows(const T* first, Index pitch, Index rows, Index k, const Rounding& rounding) {
    return left_runs(first, pitch, rows, k, k, 0, rounding);
}
template <class T>
FASTLSTM_INLINE LeftRows<T> left_list_in_runs(const T* const* rows, Index count, Index k, Index run, Index run_stride,
                                              const Rounding& rounding) {
    return rounded_rows<T>(count, k, run, run_stride, rounding, [=](Index r) { return rows[r]; });
}
template <class T>
FASTLSTM_INLINE LeftRows<T> left_list(const T* const* rows, Index count, Index k, const Rounding& rounding) {
    return left_list_in_runs(rows, count, k, k, 0, rounding);
}

template <class T>
FASTLSTM_INLINE Rounding behind(const Rounding& rounded, Index rows, Index k) {
    return {static_cast<char*>(rounded.memory) + left_bytes(rows, k), rounded.largest};
}

// --- Products --------------------------------------------------------------------------------------------------------

// Half a vector of words, as floats.
template <bool Odd>
FASTLSTM_INLINE Packet<float> half_of(const std::uint32_t* words) {
    const Bits both = load_bits(words);
    if constexpr (Odd) return as_floats(bits_in(both, kUpperHalf));
    return as_floats(shift_left<16>(both));
}

template <class T>
FASTLSTM_INLINE Packet<T> left_number(T number) {
    return pset1<Packet<T>>(number_of(rounded_bits(number)));
}

template <class T>
FASTLSTM_INLINE Packet<T> right_vector(const Panel<T>& panel, Index p, Index k, Index v, Index vectors) {
    constexpr Index lanes = kLanes<T>;
    const std::uint32_t* words =
        panel.begin + p * panel.group_stride + word_place(k / kDepth, v * lanes, vectors * lanes);
    return k % kDepth ? half_of<true>(words) : half_of<false>(words);
}

// acc[p][r][v] += left(r) · b[p][v] for one half of the words; whichever operand has fewer vectors is held.
template <bool Odd, class T, int Groups, int Rows, int Vectors, class Left>
FASTLSTM_INLINE void add_half(Tile<T, Groups, Rows, Vectors>& acc, const Left& left, const std::uint32_t* b,
                              Index group_stride) {
    constexpr int kVector = kPieceWords * kLanes<T>;
    if constexpr (Groups == 1 && Vectors < Rows) {
        Packet<T> w[Vectors];
        FASTLSTM_UNROLL
        for (int v = 0; v < Vectors; ++v) w[v] = half_of<Odd>(b + v * kVector);
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) {
            const Packet<T> a = left(r);
            FASTLSTM_UNROLL
            for (int v = 0; v < Vectors; ++v) acc.at[0][r][v] = pmadd(a, w[v], acc.at[0][r][v]);
        }
    } else {
        Packet<T> a[Rows];
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) a[r] = left(r);
        FASTLSTM_UNROLL
        for (int p = 0; p < Groups; ++p) {
            FASTLSTM_UNROLL
            for (int v = 0; v < Vectors; ++v) {
                const Packet<T> w = half_of<Odd>(b + p * group_stride + v * kVector);
                FASTLSTM_UNROLL
                for (int r = 0; r < Rows; ++r) acc.at[p][r][v] = pmadd(a[r], w, acc.at[p][r][v]);
            }
        }
    }
}

#if defined(FASTLSTM_AMX)
// acc += left · panel for a single row, as matrices add it: the even and the odd numbers of 16 words apart.
template <class T, int Groups, int Vectors>
FASTLSTM_INLINE void multiply_add(Tile<T, Groups, 1, Vectors>& acc, const LeftTile<T, 1>& left, const Panel<T>& panel) {
    const std::uint32_t *b = panel.begin, *line = left.row[0];
    for (Index word = 0; word < panel.words; word += kPieceWords, line += left.step) {
        Tile<T, Groups, 1, Vectors> even, odd;
        set_to_zero(even);
        set_to_zero(odd);
        FASTLSTM_ROLLED
        for (Index w = 0; w < kPieceWords; ++w, b += kLanes<T>) {
            const Bits both = pset1<Bits>(static_cast<int>(line[w]));
            add_half<false>(even, [&](int) { return as_floats(shift_left<16>(both)); }, b, panel.group_stride);
            add_half<true>(odd, [&](int) { return as_floats(bits_in(both, kUpperHalf)); }, b, panel.group_stride);
        }
        b += (Vectors - 1) * kPieceWords * kLanes<T>;
        for_vectors<Groups, 1, Vectors>([&](int p, int, int v) FASTLSTM_INLINED {
            acc.at[p][0][v] = padd(acc.at[p][0][v], padd(even.at[p][0][v], odd.at[p][0][v]));
        });
    }
}

struct MatrixDot {
    template <int SumsAt, int LeftAt, int RightAt>
    static FASTLSTM_INLINE void add() {
        asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(SumsAt), "i"(LeftAt), "i"(RightAt));
    }
};

// Rows from `to` on = beginning + left · panel, through matrix registers
template <class T, int Rows, int Vectors, class Meanwhile = const Nothing>
FASTLSTM_INLINE void multiply_matrices(T* to, Index to_pitch, const Beginning<T>& beginning,
                                       const LeftTile<T, Rows>& left, const Panel<T>& panel,
                                       Meanwhile&& meanwhile = Nothing{}) {
    static_assert(sizeof(Packet<T>) == kMatrixRowBytes);
    constexpr Index kNumber = sizeof(T);
    const MatrixSums sums{beginning.first, beginning.last, beginning.row_pitch * kNumber, to, to_pitch * kNumber};
    multiply_in_matrices<MatrixDot, Rows, Vectors>(sums, left, panel.begin, panel.words, meanwhile);
}
template <int Rows, int Vectors, class T>
FASTLSTM_INLINE void multiply_matrices(const SumsInMemory<T>& sums, const Beginning<T>& beginning,
                                       const LeftTile<T, Rows>& left, const Panel<T>& panel) {
    multiply_matrices<T, Rows, Vectors>(reinterpret_cast<T*>(sums.first), Vectors * kLanes<T>, beginning, left, panel);
}

// The sums of a tile for cells that are computed later.
template <class T, int Rows, int Vectors>
struct MatrixTile : Tile<T, 1, Rows, Vectors> {
    int rows;

    FASTLSTM_INLINE void begin(int count) { rows = count; }
    template <class F>
    FASTLSTM_INLINE void with_products(const F& f) const {
        f(Count<1>{});
    }
    template <int Products>
    FASTLSTM_INLINE const Packet<T>& sum(int r, int v) const {
        return this->at[0][r][v];
    }
};

template <class T, int Rows, int Vectors, class Meanwhile>
FASTLSTM_INLINE void multiply(OverlappedTile<T, Rows, Vectors, Meanwhile>& acc, const Beginning<T>& beginning,
                              const LeftTile<T, Rows>& left, const Panel<T>& panel) {
    multiply_matrices<T, Rows, Vectors>(reinterpret_cast<T*>(&acc.at), Vectors * kLanes<T>, beginning, left, panel,
                                        acc.meanwhile);
}
template <class T, int Rows, int Vectors, class Meanwhile>
FASTLSTM_INLINE void multiply_add(OverlappedTile<T, Rows, Vectors, Meanwhile>& acc, const LeftTile<T, Rows>& left,
                                  const Panel<T>& panel) {
    multiply(acc, begin_with(reinterpret_cast<const T*>(&acc.at), Vectors * kLanes<T>), left, panel);
}
#else
#if defined(__AVX512BF16__)
// Stays one instruction on registers: the compiler copies the sums around its own function for it.
FASTLSTM_INLINE Packet<float> dot(Packet<float> sums, const __m512i& a, const __m512i& w) {
    asm("vdpbf16ps %[w], %[a], %[sums]" : [sums] "+v"(sums) : [a] "v"(a), [w] "v"(w));
    return sums;
}

// acc[p][r][v] += left(r) · b[p][v] for one word of every column; whichever operand has fewer vectors is held.
template <class T, int Groups, int Rows, int Vectors, class Left>
FASTLSTM_INLINE void add_word(Tile<T, Groups, Rows, Vectors>& acc, const Left& left, const std::uint32_t* b,
                              Index group_stride) {
    constexpr int lanes = kLanes<T>;
    const auto broadcast = [&](int r) FASTLSTM_INLINED { return _mm512_set1_epi32(static_cast<int>(left(r))); };
    if constexpr (Groups == 1 && Vectors < Rows) {
        __m512i w[Vectors];
        FASTLSTM_UNROLL
        for (int v = 0; v < Vectors; ++v) w[v] = _mm512_loadu_si512(b + v * lanes);
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) {
            const __m512i a = broadcast(r);
            FASTLSTM_UNROLL
            for (int v = 0; v < Vectors; ++v) acc.at[0][r][v] = dot(acc.at[0][r][v], a, w[v]);
        }
    } else {
        __m512i a[Rows];
        FASTLSTM_UNROLL
        for (int r = 0; r < Rows; ++r) a[r] = broadcast(r);
        FASTLSTM_UNROLL
        for (int p = 0; p < Groups; ++p) {
            FASTLSTM_UNROLL
            for (int v = 0; v < Vectors; ++v) {
                const __m512i w = _mm512_loadu_si512(b + p * group_stride + v * lanes);
                FASTLSTM_UNROLL
                for (int r = 0; r < Rows; ++r) acc.at[p][r][v] = dot(acc.at[p][r][v], a[r], w);
            }
        }
    }
}
#else
// acc[p][r][v] += left(r) · b[p][v] for one word of every column, the odd numbers first.
template <class T, int Groups, int Rows, int Vectors, class Left>
FASTLSTM_INLINE void add_word(Tile<T, Groups, Rows, Vectors>& acc, const Left& left, const std::uint32_t* b,
                              Index group_stride) {
    add_half<true>(acc, [&](int r) { return pset1<Packet<T>>(left(r).odd); }, b, group_stride);
    add_half<false>(acc, [&](int r) { return pset1<Packet<T>>(left(r).even); }, b, group_stride);
}
#endif

// acc += left · panel
template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void multiply_add(Tile<T, Groups, Rows, Vectors>& acc, const LeftTile<T, Rows>& left,
                                  const Panel<T>& panel) {
    const std::uint32_t* b = panel.begin;
    for (Index word = 0; word < panel.words; ++word, b += Vectors * kLanes<T>) {
        add_word(acc, [&](int r) { return left.row[r][word]; }, b, panel.group_stride);
    }
}
#endif

// acc = beginning + left · panel
template <class T, int Groups, int Rows, int Vectors>
FASTLSTM_INLINE void multiply(Tile<T, Groups, Rows, Vectors>& acc, const Beginning<T>& beginning,
                              const LeftTile<T, Rows>& left, const Panel<T>& panel) {
    set_to(acc, beginning);
    multiply_add(acc, left, panel);
}

// The words of a row of even and one of odd numbers, or zeros, of whole vectors, to where the first of them lies.
FASTLSTM_INLINE void pack_row(const float* even, const float* odd, Index columns, std::uint32_t* words) {
#if defined(__AVX512BF16__)
    for (Index c = 0; c < columns; c += kLanes<float>) {
        const auto numbers = [c](const float* row) FASTLSTM_INLINED { return ploadu<Packet<float>>(row + c); };
        _mm512_storeu_si512(words + c * kPieceWords,
                            words_of_vectors(numbers(even), odd ? numbers(odd) : pset1<Packet<float>>(0)));
    }
#else
    for (Index c = 0; c < columns; ++c) words[c] = rounded_bits(even[c]) >> 16 | (odd ? rounded_bits(odd[c]) : 0);
#endif
}

// k rows of `columns` numbers, `pitch` apart, to the words of a panel.
template <class T>
void pack_rows(const T* rows, Index pitch, Index k, Index columns, std::uint32_t* words) {
    const Index piece = columns * kPieceWords, total = columns * words_of(k);
    std::fill_n(words + total - piece, piece, 0u);  // of which there may be fewer rows
    for (Index row = 0; row < k; row += kDepth, rows += kDepth * pitch) {
        pack_row(rows, row + 1 < k ? rows + pitch : nullptr, columns, words + word_place(row / kDepth, 0, columns));
    }
}

// One panel, [k][columns], to words and back.
template <class T>
void pack_panel(const T* panel, Index k, Index columns, void* to, T*) {
    pack_rows(panel, columns, k, columns, static_cast<std::uint32_t*>(to));
}

template <class T>
void unpack_panel(const void* from, Index k, Index columns, T* panel) {
    const auto* words = static_cast<const std::uint32_t*>(from);
    for (Index row = 0; row < k; ++row) {
        for (Index c = 0; c < columns; ++c) {
            const std::uint32_t word = words[word_place(row / kDepth, c, columns)];
            panel[row * columns + c] = number_of(row % kDepth ? word & kUpperHalf : word << 16);
        }
    }
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
