// Outer sums, the gradients of weights: what every precision does alike.
#pragma once

#include "product.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// Rows that are summed up apart before they join the sum of all. A chain over thousands of rows would round what it has
// as often, and lose a digit by it. Matrix registers round a sum once in 32 rows.
constexpr Index kSummedRows = kMatrices ? 256 : 128;

// Calls f(first, last) for the rows 0..k, kSummedRows at a time.
template <class F>
FASTLSTM_INLINE void for_summed_rows(Index k, const F& f) {
    for (Index first = 0; first < k; first += kSummedRows) f(first, at_most(first + kSummedRows, k));
}

// c = sum, or c += sum
template <class P, class T>
FASTLSTM_INLINE void join(T* c, const P& sum, bool add) {
    pstore(c, add ? padd(pload<P>(c), sum) : sum);
}

// sums[group] = or += the sum of all rows of b
template <class T, int V>
FASTLSTM_INLINE void sum_rows(const OuterArgs<T>& args, Index group) {
    constexpr int W = kLanes<T>;
    T* sums = args.sums + group * args.group_vectors * W;
    const T* b = args.b + group * args.group_stride;
    for_summed_rows(args.k, [&](Index first, Index last) FASTLSTM_INLINED {
        Tile<T, 1, 1, V> acc;
        set_to_zero(acc);
        for (Index k = first; k < last; ++k, b += args.row_stride) {
            for_vectors<1, 1, V>([&](int, int, int v) FASTLSTM_INLINED {
                acc.at[0][0][v] = padd(acc.at[0][0][v], pload<Packet<T>>(b + v * W));
            });
        }
        for_vectors<1, 1, V>([&](int, int, int v)
                                 FASTLSTM_INLINED { join(sums + v * W, acc.at[0][0][v], args.add || first > 0); });
    });
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
