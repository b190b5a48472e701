// Matrix registers of AMX: up to 16 rows of 64 bytes, which a product takes 16 x 16 sums at a time.
//
//   sums[r][l] += sum over the 16 words of left row r of word · right[word][l]
//
// A word is what a lane of a vector holds: four numbers of 8 bits, or two of bfloat16. Both sides lie in pieces of one
// KB, as the registers load them (pieces.inl.hpp).
#pragma once

#include <cstdint>

#include "pieces.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr int kMatrixRows = kPieceRows, kMostMatrixRows = 2 * kMatrixRows;  // of a register, and of a tile
constexpr Index kMatrixRowBytes = kPieceRowBytes, kMatrixBytes = kMatrixRows * kMatrixRowBytes;

// Of the eight registers four hold sums. A tile of 16 rows has the sums of its vectors there, one register for the left
// and two for the right side in turn; a tile of 32 rows has two vectors at a time, so that what is loaded of the right
// side is multiplied twice.
constexpr int kSumMatrices = 4;

// The instructions read and write memory that the compiler does not see.
template <int Register>
FASTLSTM_INLINE void load_matrix(const void* first, Index pitch) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(first), "r"(pitch), "i"(Register) : "memory");
}
template <int Register>
FASTLSTM_INLINE void set_matrix_to_zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(Register));
}
template <int Register>
FASTLSTM_INLINE void store_matrix(void* first, Index pitch) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(first), "r"(pitch), "i"(Register) : "memory");
}

// What the registers hold: so many rows of sums and of the left side.
struct alignas(kMatrixRowBytes) MatrixConfiguration {
    std::uint8_t palette = 1, first_row = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};

    constexpr explicit MatrixConfiguration(int height) {
        for (int n = 0; n < 8; ++n) {
            row_bytes[n] = kMatrixRowBytes;
            rows[n] = static_cast<std::uint8_t>(n <= kSumMatrices ? height : kMatrixRows);
        }
    }
};

// The registers have so many rows, a power of two, while an object of this lives. A thread that leaves them in use has
// 8 KB more to be saved whenever it is interrupted.
class MatrixShape {
public:
    FASTLSTM_INLINE explicit MatrixShape(int rows) {
        static constexpr MatrixConfiguration kOf[] = {MatrixConfiguration(1), MatrixConfiguration(2),
                                                      MatrixConfiguration(4), MatrixConfiguration(8),
                                                      MatrixConfiguration(kMatrixRows)};
        asm volatile("ldtilecfg %0" : : "m"(kOf[rows < kMatrixRows ? __builtin_ctz(static_cast<unsigned>(rows)) : 4]));
    }
    FASTLSTM_INLINE ~MatrixShape() { asm volatile("tilerelease"); }
    MatrixShape(const MatrixShape&) = delete;
    MatrixShape& operator=(const MatrixShape&) = delete;
};

// Fewer rows go through vectors: every product of matrices takes the time of 16 rows, and twice that while a neighbour
// on the same core multiplies matrices, too. In bfloat16 matrices read weights from afar faster, for a single row as
// well.
#if defined(FASTLSTM_INT8)
constexpr int kFewestMatrixRows = 8, kFewestOfFarPanel = 8, kNumberBytes = 1;
#else
constexpr int kFewestMatrixRows = 2, kFewestOfFarPanel = 1, kNumberBytes = 2;
#endif

// Calls f(Height, begin, end) for as many of the rows [begin, end) as there are `rows` at a time. Returns the first of
// the others.
template <int Most, class F>
FASTLSTM_INLINE Index for_height(int rows, Index begin, Index end, const F& f) {
    const Index last = begin + ((end - begin) & -Index{rows});  // `rows` is a power of two
    if (last > begin) {
        const MatrixShape shape(rows);
        f(Height<Most>{rows}, begin, last);
    }
    return last;
}

// Calls f(Height, begin, end) for the rows of [begin, end) that go through matrix registers, first as many as fit, then
// the powers of two below. Returns the first of those that do not. Tiles of 32 rows halve what is read of a panel that
// leaves the nearest cache from one tile to the next; their own sums would push out one that stays there.
template <class F>
FASTLSTM_INLINE Index for_matrix_rows(Index begin, Index end, Index k, const F& f) {
    constexpr Index kNearPanel = 32 * 1024;  // bytes
    const Index panel = k * kNumberBytes * kGroup * kLanes<float>;
    const bool far = panel > kNearPanel;
    if (far) begin = for_height<kMostMatrixRows>(kMostMatrixRows, begin, end, f);
    const int fewest = far ? kFewestOfFarPanel : kFewestMatrixRows;
    for (int rows = kMatrixRows; rows >= fewest; rows /= 2) {
        begin = for_height<kMatrixRows>(rows, begin, end, f);
    }
    return begin;
}

// Where the sums of a tile come from and go to: rows of vectors. A pitch of 0 gives all rows the first one's, `last`
// the last vector of all rows what it points to; without a place to come from they begin with 0.
struct MatrixSums {
    const void *from, *last;
    Index from_pitch;
    void* to;
    Index to_pitch;
};

// Tiles of two registers' height have half as many vectors at a time.
template <int Rows>
constexpr int kHalves = Rows > kMatrixRows ? 2 : 1;

// How often a product of k numbers calls `meanwhile`.
template <int Rows, int Vectors>
FASTLSTM_INLINE Index matrices_of(Index k) {
    return ceil_div(k, kMatrixRowBytes / kNumberBytes) * ceil_div(Vectors, kSumMatrices / kHalves<Rows>);
}

// The left side of a tile: the first piece of the upper 16 rows and that of the lower ones, and how far it is to the
// next.
struct MatrixLeft {
    const char* half[2];
    Index step;
};

// to = from + left · panel for the vectors from First on that have registers at a time; `words` is a whole number of
// matrices. meanwhile() is called while one of them is multiplied.
template <class Dot, int Rows, int Vectors, int First, class Meanwhile>
FASTLSTM_INLINE void multiply_some(const MatrixSums& sums, MatrixLeft left, const char* right, Index words,
                                   Meanwhile& meanwhile) {
    constexpr int kHalves = fastlstm::FASTLSTM_ISA::kHalves<Rows>, kMost = kSumMatrices / kHalves;
    constexpr int kTogether = Vectors - First < kMost ? Vectors - First : kMost, kLeft = kSumMatrices,
                  kRight = kLeft + kHalves;
    const auto for_sums = [](const auto& f) FASTLSTM_INLINED {
        for_counts<kHalves>(
            [&](auto half) FASTLSTM_INLINED { for_counts<kTogether>([&](auto v) FASTLSTM_INLINED { f(half, v); }); });
    };
    for_sums([&](auto half, auto v) FASTLSTM_INLINED {
        constexpr int kAt = decltype(half)::value * kTogether + decltype(v)::value;
        if (!sums.from) return set_matrix_to_zero<kAt>();
        if (First + decltype(v)::value == Vectors - 1 && sums.last) return load_matrix<kAt>(sums.last, 0);
        const char* from = static_cast<const char*>(sums.from) + decltype(half)::value * kMatrixRows * sums.from_pitch;
        load_matrix<kAt>(from + (First + decltype(v)::value) * kMatrixRowBytes, sums.from_pitch);
    });
    const MatrixLeft begin = left;
    const char* piece = right + First * kMatrixBytes;
    for (Index word = 0; word < words; word += kMatrixRows, piece += Vectors * kMatrixBytes) {
        for_counts<kHalves>([&](auto half) FASTLSTM_INLINED {
            constexpr int kHalf = decltype(half)::value;
            load_matrix<kLeft + kHalf>(left.half[kHalf], kMatrixRowBytes);
            left.half[kHalf] += left.step;
        });
        for_counts<kTogether>([&](auto v) FASTLSTM_INLINED {
            constexpr int kVector = decltype(v)::value, kUsed = kRight + kVector % 2;
            load_matrix<kUsed>(piece + kVector * kMatrixBytes, kMatrixRowBytes);
            for_counts<kHalves>([&](auto half) FASTLSTM_INLINED {
                constexpr int kHalf = decltype(half)::value;
                Dot::template add<kHalf * kTogether + kVector, kLeft + kHalf, kUsed>();
            });
        });
        meanwhile();
    }
    for_sums([&](auto half, auto v) FASTLSTM_INLINED {
        constexpr int kAt = decltype(half)::value * kTogether + decltype(v)::value;
        char* to = static_cast<char*>(sums.to) + decltype(half)::value * kMatrixRows * sums.to_pitch;
        store_matrix<kAt>(to + (First + decltype(v)::value) * kMatrixRowBytes, sums.to_pitch);
    });
    if constexpr (First + kTogether < Vectors) {
        multiply_some<Dot, Rows, Vectors, First + kTogether>(sums, begin, right, words, meanwhile);
    }
}

// The sums of a tile for cells that are computed later, with something to be done while they are made; Rows is the most
// that it holds. What such sums are held in is the precision's: begin(rows) comes before anything else;
// with_products(f) calls f(Count<Products>), and then sum<Products>(r, v) is one of them.
template <class T, int Rows, int Vectors>
struct MatrixTile;
template <class T, int Rows, int Vectors, class Meanwhile>
struct OverlappedTile : MatrixTile<T, Rows, Vectors> {
    Meanwhile& meanwhile;

    FASTLSTM_INLINE explicit OverlappedTile(Meanwhile& work) : meanwhile(work) {}
};

struct Nothing {
    FASTLSTM_INLINE void operator()() const {}
};

// to = from + left · panel for a tile
template <class Dot, int Rows, int Vectors, class Left, class Meanwhile>
FASTLSTM_INLINE void multiply_in_matrices(const MatrixSums& sums, const Left& left, const void* right, Index words,
                                          Meanwhile& meanwhile) {
    constexpr int kLast = Rows > kMatrixRows ? kMatrixRows : 0;
    const auto line = [&](int r) FASTLSTM_INLINED { return reinterpret_cast<const char*>(left.row[r]); };
    multiply_some<Dot, Rows, Vectors, 0>(sums, {{line(0), line(kLast)}, left.step * Index(sizeof(*left.row[0]))},
                                         static_cast<const char*>(right), words, meanwhile);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
