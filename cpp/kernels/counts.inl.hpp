// Numbers that the compiler knows, passed as arguments.
#pragma once

#include "packet.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

template <int Value>
struct Count {
    static constexpr int value = Value;
};

// The rows of a tile. With vectors there are as many as it was compiled for, Most; with matrix registers there may be
// fewer.
template <int Most>
struct Height {
    static constexpr int kMost = Most;
    int rows = Most;
};

// Calls f(Count<n>) for every n in 0..Most-1, unrolled.
template <int Most, class F>
FASTLSTM_INLINE void for_counts(const F& f) {
    if constexpr (Most > 1) for_counts<Most - 1>(f);
    f(Count<Most - 1>{});
}

// Calls f(Count<n>) for the run-time n in 1..Most; what is more counts as Most.
template <int Most, class F>
FASTLSTM_INLINE void with_count(Index n, const F& f) {
    if constexpr (Most > 1) {
        if (n < Most) return with_count<Most - 1>(n, f);
    }
    f(Count<Most>{});
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
