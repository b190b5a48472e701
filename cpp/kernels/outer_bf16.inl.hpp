// Outer sums in bfloat16: c = a^T b as a product, whose left rows are the columns of a and whose panels are made of b.
#pragma once

#include "outer_sums.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// Memory of a call: the columns of a as left rows, then a panel of b, of kSummedRows numbers each.
FASTLSTM_INLINE Index outer_bytes(Index columns, Index lanes) {
    return left_bytes(columns, kSummedRows) + matrix_bytes(kSummedRows, kGroup * lanes);
}

#if defined(__AVX512BF16__)
// The words of 16 columns from two rows of a; zeros past the last column and row.
FASTLSTM_INLINE Packet<float> words_of_rows(const float* const* rows, Index count, Index i, Index columns) {
    const auto numbers = [&](Index row) FASTLSTM_INLINED {
        return row < count ? load_first(rows[row] + i, columns) : pset1<Packet<float>>(0);
    };
    return _mm512_castsi512_ps(words_of_vectors(numbers(0), numbers(1)));
}

// Numbers [i_begin, i_end) of the rows first..last of a, turned round 16 words at a time.
template <class T>
__attribute__((noinline)) LeftRows<T> columns_of(const OuterArgs<T>& args, Index first, Index last) {
    constexpr int lanes = kLanes<T>;
    const Index pitch = ceil_div(words_of(last - first), lanes) * lanes;
    const RowPieces<LeftWord> pieces(args.i_end - args.i_begin, pitch);
    auto* to = static_cast<LeftWord*>(args.rounded.memory);
    for (Index i = args.i_begin; i < args.i_end; i += lanes) {
        const Index columns = args.i_end - i;
        for (Index word = 0; word < pitch; word += lanes) {
            Eigen::internal::PacketBlock<Packet<T>, lanes> block;
            for (int w = 0; w < lanes; ++w) {
                const Index k = first + (word + w) * kDepth;
                block.packet[w] = words_of_rows(args.a + k, last - k, i, columns);
            }
            Eigen::internal::ptranspose(block);
            for (int l = 0; l < at_most(lanes, columns); ++l) {
                const Index place = pieces.row(i - args.i_begin + l) + pieces.element(word);
                pstoreu(reinterpret_cast<T*>(to + place), block.packet[l]);
            }
        }
    }
    return {to, pieces};
}
#else
// Numbers [i_begin, i_end) of the rows first..last of a, turned round.
template <class T>
__attribute__((noinline)) LeftRows<T> columns_of(const OuterArgs<T>& args, Index first, Index last) {
    const Index words = ceil_div(last - first, kDepth);
    auto* to = static_cast<LeftWord*>(args.rounded.memory);
    for (Index word = 0; word < words; ++word) {
        const Index k = first + word * kDepth;
        const T *even = args.a[k], *odd = k + 1 < last ? args.a[k + 1] : nullptr;
        for (Index i = args.i_begin; i < args.i_end; ++i) {
            to[(i - args.i_begin) * words + word] = left_word(even[i], odd ? odd[i] : T(0));
        }
    }
    return {to, {args.i_end - args.i_begin, words}};
}
#endif

// The rows first..last of a group of b, as a panel.
template <class T, int Vectors>
__attribute__((noinline)) Panel<T> panel_of_rows(const OuterArgs<T>& args, Index group, Index first, Index last) {
    void* to = behind<T>(args.rounded, args.i_end - args.i_begin, kSummedRows).memory;
    const T* b = args.b + group * args.group_stride + first * args.row_stride;
    pack_rows(b, args.row_stride, last - first, Vectors * kLanes<T>, static_cast<std::uint32_t*>(to));
    return {static_cast<const std::uint32_t*>(to), words_of(last - first), 0};
}

// c = left · panel, or += it. Matrix registers begin with what c has: they add to a sum once in 32 rows.
template <class T, int Rows, int Vectors>
FASTLSTM_INLINE void join_product(T* c, Index pitch, const LeftTile<T, Rows>& left, const Panel<T>& panel, bool add) {
    if constexpr (Rows >= kFewestMatrixRows) {
        multiply_matrices<T, Rows, Vectors>(c, pitch, add ? begin_with<T>(c, pitch) : Beginning<T>{}, left, panel);
    } else {
        Tile<T, 1, Rows, Vectors> acc;
        multiply(acc, kMatrices && add ? begin_with<T>(c, pitch) : Beginning<T>{}, left, panel);
        for_vectors<1, Rows, Vectors>([&](int, int r, int v) FASTLSTM_INLINED {
            join(c + r * pitch + v * kLanes<T>, acc.at[0][r][v], add && !kMatrices);
        });
    }
}

template <class T, int Rows, int Vectors>
FASTLSTM_APART void outer_tile(const OuterArgs<T>& args, const LeftRows<T>& columns, const Panel<T>& panel, Index i,
                               Index group, bool add) {
    constexpr Index kNear = 512 * 1024;  // bytes
    const Index pitch = args.vectors * kLanes<T>;
    T* c = args.c + i * pitch + group * args.group_vectors * kLanes<T>;
    // Sums that do not fit the second-level cache: those of the next tile are fetched from memory meanwhile.
    if (args.i_end * pitch * static_cast<Index>(sizeof(T)) > kNear) {
        for_vectors<1, Rows, Vectors>([&](int, int r, int v)
                                          FASTLSTM_INLINED { prefetch(c + (Rows + r) * pitch + v * kLanes<T>); });
    }
    join_product<T, Rows, Vectors>(c, pitch, columns.template tile<Rows>(i - args.i_begin), panel, add);
}

template <class T>
void outer(const OuterArgs<T>& args) {
    for_summed_rows(args.k, [&](Index first, Index last) {
        const LeftRows<T> columns = columns_of(args, first, last);
        for (Index group = args.group_begin; group < args.group_end; ++group) {
            const Index remaining = args.vectors - group * args.group_vectors;
            with_count<kGroup>(at_most(args.group_vectors, remaining), [&](auto v) {
                constexpr int kVectors = decltype(v)::value;
                const Panel<T> panel = panel_of_rows<T, kVectors>(args, group, first, last);
                for_row_tiles<T, kVectors>(args.i_begin, args.i_end, kSummedRows, [&](auto height, Index i) {
                    outer_tile<T, decltype(height)::kMost, kVectors>(args, columns, panel, i, group,
                                                                     args.add || first > 0);
                });
                if (args.sums && first == 0) sum_rows<T, kVectors>(args, group);
            });
        }
    });
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
