// Plain products: rows times packed weights.
#pragma once

#include "sums.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// A bias of the columns from a group on, for all rows.
template <class T>
FASTLSTM_INLINE Beginning<T> begin_with_bias(const T* bias, Index group) {
    return begin_with(bias + group * kGroup * kLanes<T>, 0);
}

// out[row + r][group + p] = bias + a[row + r] · B[group + p]
template <class T, int Groups, int Rows, int Vectors, class Left>
FASTLSTM_APART void product_tile(const ProductArgs<T>& args, const Left& left, Index row, Index group) {
    constexpr int lanes = kLanes<T>;
    Tile<T, Groups, Rows, Vectors> acc;
    multiply(acc, args.bias ? begin_with_bias(args.bias, group) : Beginning<T>{}, left, row,
             panel_of<kGroup>(Rows, args.packed, args.k, group, args.group_begin, args.group_end, row, args.rows));
    for_vectors<Groups, Rows, Vectors>([&](int p, int r, int v) FASTLSTM_INLINED {
        const Index column = ((group + p) * kGroup + v) * lanes;
        store_first(args.out[row + r] + column, acc.at[p][r][v], args.columns - column);
    });
}

// The same through matrix registers, of so many rows.
template <class T, int Most, int Vectors, class Left>
FASTLSTM_APART void matrix_product_tile(const ProductArgs<T>& args, const Left& left, int rows, Index row,
                                        Index group) {
    Packet<T> memory[Most * Vectors];
    multiply_matrices<Most, Vectors>(
        SumsInMemory<T>{{1, rows, Vectors}, memory}, args.bias ? begin_with_bias(args.bias, group) : Beginning<T>{},
        left.template tile<Most>(row),
        panel_of<kGroup>(rows, args.packed, args.k, group, args.group_begin, args.group_end, row, args.rows));
    for (int r = 0; r < rows; ++r) {
        FASTLSTM_UNROLL
        for (int v = 0; v < Vectors; ++v) {
            const Index column = (group * kGroup + v) * kLanes<T>;
            store_first(args.out[row + r] + column, memory[r * Vectors + v], args.columns - column);
        }
    }
}

template <class T>
void product(const ProductArgs<T>& args) {
    const Index vectors = ceil_div(args.columns, kLanes<T>);
    const auto left = left_list_in_runs(args.a, args.rows, args.k, args.run, args.run_stride, args.rounded);
    for_vector_tiles<T>(args.rows, args.k, vectors, args.group_begin, args.group_end,
                        [&](auto p, auto height, auto v, Index row, Index group) {
                            constexpr int kGroups = decltype(p)::value, kRows = decltype(height)::kMost,
                                          kVectors = decltype(v)::value;
                            if constexpr (kRows < kFewestMatrixRows) {
                                product_tile<T, kGroups, kRows, kVectors>(args, left, row, group);
                            } else {
                                matrix_product_tile<T, kRows, kVectors>(args, left, height.rows, row, group);
                            }
                        });
}

// to[l][r] = from[r][l] for a block of lanes x lanes, aligned or not
template <class T>
void transpose(const T* from, Index from_pitch, T* to, Index to_pitch) {
    constexpr int lanes = kLanes<T>;
    Eigen::internal::PacketBlock<Packet<T>, lanes> block;
    for (int r = 0; r < lanes; ++r) block.packet[r] = ploadu<Packet<T>>(from + r * from_pitch);
    Eigen::internal::ptranspose(block);
    for (int l = 0; l < lanes; ++l) pstoreu(to + l * to_pitch, block.packet[l]);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
