// How the operands of reduced precisions lie in memory.
//
// Matrix registers load 16 rows of 64 bytes, fastest where these lie in one piece: for the right side 16 words of a
// vector, [k / 16 words][vector][16 words][lane], for the left one a line of 16 rows, [row / 16][line][row]. Elsewhere
// rows lie one after the other, and so do the vectors of a word, [word][vector][lane].
#pragma once

#include "counts.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr Index kPieceRows = 16, kPieceRowBytes = 64;

#if defined(FASTLSTM_AMX)
constexpr Index kPieceWords = kPieceRows;  // of a vector, side by side

// Where rows of `pitch` elements lie, a whole number of lines.
template <class E>
struct RowPieces {
    static constexpr Index kLine = kPieceRowBytes / sizeof(E);
    Index of_a_line, of_all_lines;  // elements in the lines of 16 rows, or of all of fewer

    RowPieces() = default;
    FASTLSTM_INLINE RowPieces(Index rows, Index pitch)
        : of_a_line(at_most(rows, kPieceRows) * kLine), of_all_lines(kPieceRows * pitch) {}

    FASTLSTM_INLINE Index row(Index r) const { return r / kPieceRows * of_all_lines + r % kPieceRows * kLine; }
    FASTLSTM_INLINE Index element(Index i) const { return i / kLine * of_a_line + i % kLine; }  // of a row
    FASTLSTM_INLINE Index step() const { return of_a_line; }  // from a line of a row to its next one
    static FASTLSTM_INLINE Index total(Index rows, Index pitch) {
        return (rows < kPieceRows ? rows : ceil_div(rows, kPieceRows) * kPieceRows) * pitch;
    }
};
#else
constexpr Index kPieceWords = 1;

template <class E>
struct RowPieces {
    Index pitch;

    RowPieces() = default;
    FASTLSTM_INLINE RowPieces(Index, Index elements) : pitch(elements) {}

    FASTLSTM_INLINE Index row(Index r) const { return r * pitch; }
    FASTLSTM_INLINE Index step() const { return 0; }  // a row is one line
    static FASTLSTM_INLINE Index element(Index i) { return i; }
    static FASTLSTM_INLINE Index total(Index rows, Index pitch) { return rows * pitch; }
};
#endif

// The place of a word of a column in a panel of so many columns, in words.
FASTLSTM_INLINE Index word_place(Index word, Index column, Index columns) {
    constexpr Index lanes = kLanes<float>;
    const Index vector = word / kPieceWords * columns / lanes * kPieceWords + column / lanes * kPieceWords;
    return (vector + word % kPieceWords) * lanes + column % lanes;
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
