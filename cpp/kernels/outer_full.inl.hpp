// Outer sums in full precision: every tile goes through the rows of both sides where they lie.
#pragma once

#include "outer_sums.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// c[i + r][group] = or += sum over k of a[k][i + r] * b[k][group]
template <class T, int Rows, int Vectors>
FASTLSTM_APART void outer_tile(const OuterArgs<T>& args, Index i, Index group) {
    constexpr int lanes = kLanes<T>;
    const Index pitch = args.vectors * lanes;
    T* c = args.c + i * pitch + group * args.group_vectors * lanes;
    const T* b = args.b + group * args.group_stride;
    // Sums that do not fit the second-level cache: those of the next tile are fetched from memory meanwhile.
    const Index fetching = is_large<T>(args.i_end * pitch) ? at_most(Rows * Vectors, args.k) : 0;
    for_summed_rows(args.k, [&](Index first, Index last) FASTLSTM_INLINED {
        Tile<T, 1, Rows, Vectors> acc;
        set_to_zero(acc);
        const auto add = [&](Index k) FASTLSTM_INLINED {
            const T* a = args.a[k] + i;
            multiply_add_one(acc, [&](int r) { return a[r]; }, b, 0);
            b += args.row_stride;
        };
        Index k = first;
        for (; k < fetching; ++k) {
            prefetch(c + (Rows + k / Vectors) * pitch + k % Vectors * lanes);
            add(k);
        }
        for (; k < last; ++k) add(k);
        for_vectors<1, Rows, Vectors>([&](int, int r, int v) FASTLSTM_INLINED {
            join(c + r * pitch + v * lanes, acc.at[0][r][v], args.add || first > 0);
        });
    });
}

template <class T>
void outer(const OuterArgs<T>& args) {
    for (Index group = args.group_begin; group < args.group_end; ++group) {
        const Index remaining = args.vectors - group * args.group_vectors;
        with_count<kGroup>(at_most(args.group_vectors, remaining), [&](auto v) {
            constexpr int kVectors = decltype(v)::value;
            for_row_tiles<T, kVectors>(args.i_begin, args.i_end, args.k, [&](auto height, Index i) {
                outer_tile<T, decltype(height)::kMost, kVectors>(args, i, group);
            });
            if (args.sums) sum_rows<T, kVectors>(args, group);
        });
    }
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
