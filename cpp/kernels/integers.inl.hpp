// Vectors of whole numbers: products of 16 bits added up in 32, as many sums as a packet of floats has lanes.
#pragma once

#include <cstdint>
#include <cstring>

#include "packet.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// dot(sums, a, w): each sum gains a[0] w[0] + a[1] w[1] of its pair. Its two instructions stay together: left to itself
// the compiler does all products of a tile before the first sum, and the sums go through memory. load_pairs widens
// numbers of 8 bits, broadcast repeats one pair.
#if defined(EIGEN_VECTORIZE_AVX512)
using Sums = __m512i;
using Pairs = __m512i;

FASTLSTM_INLINE Sums no_sums() { return _mm512_setzero_si512(); }
FASTLSTM_INLINE Pairs load_pairs(const std::int8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
FASTLSTM_INLINE Pairs broadcast(std::int32_t pair) { return _mm512_set1_epi32(pair); }
FASTLSTM_INLINE Sums dot(Sums sums, const Pairs& a, const Pairs& w) {
    Sums products;
    asm("vpmaddwd %[w], %[a], %[products]\n\tvpaddd %[products], %[sums], %[sums]"
        : [sums] "+v"(sums), [products] "=&v"(products)
        : [a] "v"(a), [w] "v"(w));
    return sums;
}
FASTLSTM_INLINE Packet<float> to_numbers(const Sums& sums) { return _mm512_cvtepi32_ps(sums); }
#elif defined(EIGEN_VECTORIZE_AVX2)
using Sums = __m256i;
using Pairs = __m256i;

FASTLSTM_INLINE Sums no_sums() { return _mm256_setzero_si256(); }
FASTLSTM_INLINE Pairs load_pairs(const std::int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
FASTLSTM_INLINE Pairs broadcast(std::int32_t pair) { return _mm256_set1_epi32(pair); }
FASTLSTM_INLINE Sums dot(Sums sums, const Pairs& a, const Pairs& w) {
    Sums products;
    asm("vpmaddwd %[w], %[a], %[products]\n\tvpaddd %[products], %[sums], %[sums]"
        : [sums] "+x"(sums), [products] "=&x"(products)
        : [a] "x"(a), [w] "x"(w));
    return sums;
}
FASTLSTM_INLINE Packet<float> to_numbers(const Sums& sums) { return _mm256_cvtepi32_ps(sums); }
#elif defined(EIGEN_VECTORIZE_SSE2)
using Sums = __m128i;
using Pairs = __m128i;

FASTLSTM_INLINE Sums no_sums() { return _mm_setzero_si128(); }
FASTLSTM_INLINE Pairs load_pairs(const std::int8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
}
FASTLSTM_INLINE Pairs broadcast(std::int32_t pair) { return _mm_set1_epi32(pair); }
FASTLSTM_INLINE Sums dot(Sums sums, const Pairs& a, const Pairs& w) {
    Sums products;
    asm("movdqa %[a], %[products]\n\tpmaddwd %[w], %[products]\n\tpaddd %[products], %[sums]"
        : [sums] "+x"(sums), [products] "=&x"(products)
        : [a] "x"(a), [w] "x"(w));
    return sums;
}
FASTLSTM_INLINE Packet<float> to_numbers(const Sums& sums) { return _mm_cvtepi32_ps(sums); }
#else
using Sums = int32x4_t;
using Pairs = int16x8_t;

FASTLSTM_INLINE Sums no_sums() { return vdupq_n_s32(0); }
FASTLSTM_INLINE Pairs load_pairs(const std::int8_t* p) { return vmovl_s8(vld1_s8(p)); }
FASTLSTM_INLINE Pairs broadcast(std::int32_t pair) { return vreinterpretq_s16_s32(vdupq_n_s32(pair)); }
FASTLSTM_INLINE Sums dot(const Sums& sums, const Pairs& a, const Pairs& w) {
    const int32x4_t low = vmull_s16(vget_low_s16(a), vget_low_s16(w)), high = vmull_high_s16(a, w);
    return vaddq_s32(sums, vpaddq_s32(low, high));
}
FASTLSTM_INLINE Packet<float> to_numbers(const Sums& sums) { return vcvtq_f32_s32(sums); }
#endif

// to[i] = x[i] * factor as a whole number, for eight; to nearest, ties to even.
#if defined(EIGEN_VECTORIZE_SSE2)
FASTLSTM_INLINE void round_eight(const float* x, float factor, std::int16_t* to) {
    const __m128 f = _mm_set1_ps(factor);
    const __m128i low = _mm_cvtps_epi32(_mm_mul_ps(_mm_loadu_ps(x), f));
    const __m128i high = _mm_cvtps_epi32(_mm_mul_ps(_mm_loadu_ps(x + 4), f));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_packs_epi32(low, high));
}
#else
FASTLSTM_INLINE void round_eight(const float* x, float factor, std::int16_t* to) {
    const int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x), factor));
    const int32x4_t high = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4), factor));
    vst1q_s16(to, vcombine_s16(vqmovn_s32(low), vqmovn_s32(high)));
}
#endif

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
