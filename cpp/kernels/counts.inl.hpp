// Numbers that the compiler knows, passed as arguments.
#pragma once

#include "packet.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

template <int N>
struct Count {
    static constexpr int value = N;
};

// Calls f(Count<n>) for every n in 0..N-1, unrolled.
template <int N, class F>
FASTLSTM_INLINE void for_counts(const F& f) {
    if constexpr (N > 1) for_counts<N - 1>(f);
    f(Count<N - 1>{});
}

// Calls f(Count<n>) for the run-time n in 1..N; what is more counts as N.
template <int N, class F>
FASTLSTM_INLINE void with_count(Index n, const F& f) {
    if constexpr (N > 1) {
        if (n < N) return with_count<N - 1>(n, f);
    }
    f(Count<N>{});
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
