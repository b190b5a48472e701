// What this processor can do at most with these packets: the bounds the benchmarks compare with.
#pragma once

#include "activations.inl.hpp"
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

// The tile with the most sums that registers hold.
constexpr int kProbeRows = kTileRows<float, kGroup>;

// `rounds` multiply-adds on every accumulator of a full register tile, nothing loaded; returns a number that needs
// them. Sums that the compiler knows to be equal would be one.
float probe_multiply_add(Index rounds) {
    Tile<float, 1, kProbeRows, kGroup> acc;
    set_to_zero(acc);
    for_vectors<1, kProbeRows, kGroup>([&](int p, int r, int v) FASTLSTM_INLINED { keep(acc.at[p][r][v]); });
    Packet<float> a = constant<float>(0.5), b = constant<float>(0.25), sum = constant<float>(0);
    for (Index i = 0; i < rounds; ++i) {
        keep(a), keep(b);
        for_vectors<1, kProbeRows, kGroup>([&](int p, int r, int v)
                                               FASTLSTM_INLINED { acc.at[p][r][v] = pmadd(a, acc.at[p][r][v], b); });
    }
    for_vectors<1, kProbeRows, kGroup>([&](int p, int r, int v) FASTLSTM_INLINED { sum = padd(sum, acc.at[p][r][v]); });
    return Eigen::internal::predux(sum);
}

// Floating-point operations of one round.
constexpr Index kProbeFlops = 2 * kProbeRows * kGroup * kLanes<float>;

// Reads n numbers once, n a multiple of 8 packets.
float probe_read(const float* x, Index n) {
    constexpr int kSums = 8;
    Tile<float, 1, 1, kSums> acc;
    set_to_zero(acc);
    for (Index i = 0; i < n; i += kSums * kLanes<float>)
        for_vectors<1, 1, kSums>([&](int p, int r, int v) FASTLSTM_INLINED {
            acc.at[p][r][v] = padd(acc.at[p][r][v], pload<Packet<float>>(x + i + v * kLanes<float>));
        });
    Packet<float> sum = constant<float>(0);
    for_vectors<1, 1, kSums>([&](int p, int r, int v) FASTLSTM_INLINED { sum = padd(sum, acc.at[p][r][v]); });
    return Eigen::internal::predux(sum);
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
