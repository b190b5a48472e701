// Subnormal numbers become zero while one of these lives; the thread's mode is put back afterwards. Changing it takes
// as long as a tenth of the step of a small layer, and threads of audio have it already.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace fastlstm {

class FlushSubnormals {
public:
    FlushSubnormals() : saved_(read()) {
        if (changes()) write(saved_ | kFlush);
    }
    ~FlushSubnormals() {
        if (changes()) write(saved_);
    }
    FlushSubnormals(const FlushSubnormals&) = delete;
    FlushSubnormals& operator=(const FlushSubnormals&) = delete;

private:
#if defined(__SSE2__)
    using Mode = unsigned;
    static constexpr Mode kFlush = 0x8040;  // FTZ and DAZ
    static Mode read() { return _mm_getcsr(); }
    static void write(Mode mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__)
    using Mode = std::uint64_t;
    static constexpr Mode kFlush = Mode{1} << 24;  // FZ
    static Mode read() {
        Mode mode;
        asm volatile("mrs %0, fpcr" : "=r"(mode));
        return mode;
    }
    static void write(Mode mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else  // they stay as they are
    using Mode = unsigned;
    static constexpr Mode kFlush = 0;
    static Mode read() { return 0; }
    static void write(Mode) {}
#endif
    bool changes() const { return (saved_ & kFlush) != kFlush; }

    const Mode saved_;
};

}  // namespace fastlstm
