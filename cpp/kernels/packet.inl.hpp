// The vocabulary of the kernels: Eigen's packet math for one instruction set, and loads and stores that stop at the end
// of a row. Included only by kernels.inl.hpp, inside no namespace.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <limits>

#include "kernel_table.hpp"

#define FASTLSTM_INLINE inline __attribute__((always_inline))
#define FASTLSTM_APART __attribute__((noinline))         // of a tile, which needs all registers for itself
#define FASTLSTM_INLINED __attribute__((always_inline))  // of a lambda, after its parameters

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

using Eigen::internal::padd;
using Eigen::internal::pload;
using Eigen::internal::ploadu;
using Eigen::internal::pmul;
using Eigen::internal::pset1;
using Eigen::internal::pstore;
using Eigen::internal::pstoreu;
using Eigen::internal::psub;

template <class T>
using Packet = typename Eigen::internal::packet_traits<T>::type;

template <class T>
constexpr int kLanes = Eigen::internal::unpacket_traits<Packet<T>>::size;

#if defined(EIGEN_VECTORIZE_AVX512) || defined(EIGEN_VECTORIZE_NEON)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

// Whether the build leaves out what training needs, and float64 with it.
#if defined(FASTLSTM_INFERENCE_ONLY)
constexpr bool kInferenceOnly = true;
#else
constexpr bool kInferenceOnly = false;
#endif

// Whether operands of products are held in full precision.
#if defined(FASTLSTM_INT8) || defined(FASTLSTM_BF16)
constexpr bool kFull = false;
#else
constexpr bool kFull = true;
#endif

// Whether products go through the matrix registers of AMX.
#if defined(FASTLSTM_AMX)
constexpr bool kMatrices = true;
#else
constexpr bool kMatrices = false;
#endif

#if defined(EIGEN_DONT_VECTORIZE)
// Gates end at 0 although the processor may not flush what is below all normal numbers, and the compiler never does.
template <class T>
FASTLSTM_INLINE T pdiv(const T& a, const T& b) {
    const T quotient = a / b;
    return std::abs(quotient) < std::numeric_limits<T>::min() ? T(0) : quotient;
}
#else
using Eigen::internal::pdiv;
#endif

// Whether a multiply-add rounds once. In whole numbers it does so everywhere: there, bits are promised to be the same.
using Eigen::internal::pmadd;
#if defined(EIGEN_VECTORIZE_FMA) || defined(EIGEN_VECTORIZE_NEON) || defined(FASTLSTM_INT8)
constexpr bool kFused = true;
#else
constexpr bool kFused = false;
#endif

#if defined(FASTLSTM_INT8) && defined(EIGEN_DONT_VECTORIZE)
FASTLSTM_INLINE float pmadd(const float& a, const float& b, const float& c) { return std::fma(a, b, c); }
#elif defined(FASTLSTM_INT8) && !defined(EIGEN_VECTORIZE_FMA) && !defined(EIGEN_VECTORIZE_NEON)
// p + c, an inexact sum to that of its two neighbours whose last bit is odd: rounding that once more, to float, gives
// what rounding the exact sum would.
FASTLSTM_INLINE __m128d sum_to_odd(const __m128d& p, const __m128d& c) {
    const __m128d sum = _mm_add_pd(p, c), of_c = _mm_sub_pd(sum, p);
    const __m128d error = _mm_add_pd(_mm_sub_pd(p, _mm_sub_pd(sum, of_c)), _mm_sub_pd(c, of_c));
    const __m128d zero = _mm_setzero_pd(), inexact = _mm_or_pd(_mm_cmplt_pd(error, zero), _mm_cmplt_pd(zero, error));
    const __m128i bits = _mm_castpd_si128(sum), one = _mm_set1_epi64x(1);
    const __m128i is_even = _mm_sub_epi64(_mm_setzero_si128(), _mm_andnot_si128(bits, one));
    const __m128i signs = _mm_srai_epi32(_mm_castpd_si128(_mm_xor_pd(error, sum)), 31);
    const __m128i step = _mm_or_si128(_mm_shuffle_epi32(signs, _MM_SHUFFLE(3, 3, 1, 1)), one);  // towards the error
    const __m128i wanted = _mm_and_si128(is_even, _mm_castpd_si128(inexact));
    return _mm_castsi128_pd(_mm_add_epi64(bits, _mm_and_si128(step, wanted)));
}

// a b + c, rounded once, where there is no instruction for it. The product is exact in float64. Out of line, as it is
// long and everywhere.
FASTLSTM_APART __m128 pmadd(const __m128& a, const __m128& b, const __m128& c) {
    const auto half = [](const __m128& x, const __m128& y, const __m128& z) FASTLSTM_INLINED {
        return _mm_cvtpd_ps(sum_to_odd(_mm_mul_pd(_mm_cvtps_pd(x), _mm_cvtps_pd(y)), _mm_cvtps_pd(z)));
    };
    const __m128 low = half(a, b, c);
    return _mm_movelh_ps(low, half(_mm_movehl_ps(a, a), _mm_movehl_ps(b, b), _mm_movehl_ps(c, c)));
}
#endif

// Whether a multiply-add takes registers beside those of sums, left and right numbers: words are widened before, or a
// product waits to be added.
#if defined(FASTLSTM_LEFT_BYTES)
constexpr bool kNeedsRegisters = false;
#else
constexpr bool kNeedsRegisters = !(kFull && kFused);
#endif

// Registers that tiles are made for: of 16 some are left for that, as a sum that passed through memory would be late
// for the next product. Those of float64 have half the code where there are 32: twelve chains hide the latency of an
// addition as well.
template <class T>
constexpr int kTileRegisters = kRegisters == 16 && kNeedsRegisters ? 12
                               : sizeof(T) == 8                    ? 16
                                                                   : kRegisters;

// Rows of a register tile of so many vectors: as many accumulators as leave room for one vector and the broadcasts. The
// build may ask for less than 8, as sanitizers do.
template <class T, int Vectors>
constexpr int kTileRows =
    3 * kTileRegisters<T> / 4 / Vectors < FASTLSTM_TILE_ROWS ? 3 * kTileRegisters<T> / 4 / Vectors : FASTLSTM_TILE_ROWS;

FASTLSTM_INLINE Index at_most(Index a, Index b) { return a < b ? a : b; }
FASTLSTM_INLINE Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

// Smaller and larger of a number and a bound. A NaN in `x` stays a NaN: Eigen's pmin and pmax return their first
// operand when the two do not compare.
template <class Packet>
FASTLSTM_INLINE Packet at_most(const Packet& x, const Packet& bound) {
    return Eigen::internal::pmin(x, bound);
}
template <class Packet>
FASTLSTM_INLINE Packet at_least(const Packet& x, const Packet& bound) {
    return Eigen::internal::pmax(x, bound);
}

constexpr Index kCacheLine = 64;  // bytes

// Asks for the line of p from memory into the second-level cache, for later.
FASTLSTM_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 2); }
// The same from there into the nearest cache.
FASTLSTM_INLINE void prefetch_near(const void* p) { __builtin_prefetch(p, 0, 3); }

// The first n lanes of p, the others zero; and a store to the first n lanes. All of them if n is larger, none if it is
// negative, as it is where a vector is padding alone.
#if defined(EIGEN_VECTORIZE_AVX512)
template <class T>
FASTLSTM_INLINE unsigned first_lanes(Index n) {
    return n >= kLanes<T> ? (1u << kLanes<T>)-1 : n > 0 ? (1u << n) - 1 : 0;
}

FASTLSTM_INLINE Packet<float> load_first(const float* p, Index n) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>(first_lanes<float>(n)), p);
}
FASTLSTM_INLINE Packet<double> load_first(const double* p, Index n) {
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>(first_lanes<double>(n)), p);
}
FASTLSTM_INLINE void store_first(float* p, const Packet<float>& value, Index n) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>(first_lanes<float>(n)), value);
}
FASTLSTM_INLINE void store_first(double* p, const Packet<double>& value, Index n) {
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>(first_lanes<double>(n)), value);
}
#else
// Out of line and off the straight way, as ends are rare and their code is long. No packets are passed: a function that
// takes one leaves the upper halves of the registers in use, and the plain code that it returns to would be slow.
template <class T>
__attribute__((noinline)) void copy_end(const T* from, T* to, Index n) {
    for (Index l = 0; l < n; ++l) to[l] = from[l];
}

template <class T>
FASTLSTM_INLINE Packet<T> load_first(const T* p, Index n) {
    if (__builtin_expect(n >= kLanes<T>, true)) return ploadu<Packet<T>>(p);
    alignas(64) T lanes[kLanes<T>] = {};
    copy_end(p, lanes, n);
    return pload<Packet<T>>(lanes);
}

template <class T>
FASTLSTM_INLINE void store_first(T* p, const Packet<T>& value, Index n) {
    if (__builtin_expect(n >= kLanes<T>, true)) return pstoreu(p, value);
    alignas(64) T lanes[kLanes<T>];
    pstore(lanes, value);
    copy_end(lanes, p, n);
}
#endif

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
