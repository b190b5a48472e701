// What the processor can do and the system lets this process use, beyond what the compiler's own question knows by
// name.
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace fastlstm {

#if defined(__x86_64__)
// Products of 8 bits in vectors of AVX2 (AVX-VNNI), which some compilers have no name for.
inline bool has_avx_vnni() {
    constexpr unsigned kAvxVnni = 1u << 4;
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & kAvxVnni);
}
#endif

// Matrix registers of AMX, for products of 8 bits and of bfloat16. The system gives the registers, which are large, to
// a process that asks.
inline bool has_matrix_registers() {
#if defined(__x86_64__) && defined(__linux__)
    constexpr unsigned kTiles = 1u << 24, kInt8 = 1u << 25, kBf16 = 1u << 22;  // which older headers do not name
    constexpr unsigned kWanted = kTiles | kInt8 | kBf16;
    constexpr long kAskForRegisters = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kWanted) != kWanted) return false;
    static const bool given = syscall(SYS_arch_prctl, kAskForRegisters, kTileData) == 0;
    return given;
#else
    return false;
#endif
}

}  // namespace fastlstm
