// What this processor can do at most with these packets: the bounds the benchmarks compare with.
#pragma once

#include "product.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// Keeps the compiler from knowing what a packet is.
FASTLSTM_INLINE void keep(Packet<float>& x) {
#if defined(EIGEN_DONT_VECTORIZE)
    asm volatile("" : "+m"(x));
#else
    asm volatile("" : "+x"(x));
#endif
}

// `rounds` multiply-adds on every accumulator of a full register tile, nothing loaded; returns a number that needs
// them.
float probe_multiply_add(Index rounds) {
    constexpr int kChains = kTileRows<float, kGroup> * kGroup;
    Tile<float, 1, kTileRows<float, kGroup>, kGroup> acc;
    set_to_zero(acc);
    Packet<float> a = constant<float>(0.5), b = constant<float>(0.25);
    for (Index i = 0; i < rounds; ++i) {
        keep(a), keep(b);
        for (int r = 0; r < kTileRows<float, kGroup>; ++r)
            for (int v = 0; v < kGroup; ++v) acc.at[0][r][v] = pmadd(a, acc.at[0][r][v], b);
    }
    Packet<float> sum = acc.at[0][0][0];
    for (int c = 1; c < kChains; ++c) sum = padd(sum, acc.at[0][c / kGroup][c % kGroup]);
    return Eigen::internal::predux(sum);
}

// Floating-point operations of one round.
constexpr Index kProbeFlops = 2 * kTileRows<float, kGroup> * kGroup * kLanes<float>;

// Reads n numbers once, n a multiple of 4 packets.
float probe_read(const float* x, Index n) {
    constexpr int lanes = kLanes<float>;
    Packet<float> sums[4] = {constant<float>(0), constant<float>(0), constant<float>(0), constant<float>(0)};
    for (Index i = 0; i < n; i += 4 * lanes)
        for (int s = 0; s < 4; ++s) sums[s] = padd(sums[s], pload<Packet<float>>(x + i + s * lanes));
    return Eigen::internal::predux(padd(padd(sums[0], sums[1]), padd(sums[2], sums[3])));
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
