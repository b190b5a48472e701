// Waiting for another thread without sleeping.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace fastlstm {

constexpr int kSpins = 2000;  // some tens of microseconds

inline void pause_briefly() {
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Spins until ready() for a while; says whether it became so.
template <class Ready>
bool spin(const Ready& ready) {
    for (int i = 0; i < kSpins; ++i) {
        if (ready()) return true;
        pause_briefly();
    }
    return ready();
}

}  // namespace fastlstm
