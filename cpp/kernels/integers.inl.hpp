// Vectors of whole numbers: as many sums of 32 bits as a packet of floats has lanes, which gain kDepth products at a
// time.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "packet.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// A word is kDepth left numbers side by side, which broadcast repeats; load_weights takes as many weights for every
// sum, of 8 bits each. dot adds their products to the sums. Its instructions stay together: left to itself the compiler
// does all products of a tile before the first sum, and the sums go through memory.
//
// Two at a time, both sides have 16 bits, and the sum of two products always fits. Four at a time, left numbers have no
// sign: they are moved up by kShift, and sums begin with what that adds too much.
#if defined(FASTLSTM_LEFT_BYTES)
constexpr int kDepth = 4, kShift = 128;
#if defined(FASTLSTM_AMX)
constexpr const char* kHow = "whole numbers of 8 bits, matrices of AMX";
#else
constexpr const char* kHow = "whole numbers of 8 bits, four at a time";
#endif
using LeftNumber = std::uint8_t;
#else
constexpr int kDepth = 2, kShift = 0;
constexpr const char* kHow = "whole numbers of 16 bits, two at a time";
using LeftNumber = std::int16_t;
#endif

#if defined(EIGEN_VECTORIZE_AVX512)
using Sums = __m512i;
using Words = __m512i;

FASTLSTM_INLINE Sums load_sums(const std::int32_t* p) { return _mm512_loadu_si512(p); }
FASTLSTM_INLINE Words broadcast(std::int32_t word) { return _mm512_set1_epi32(word); }
FASTLSTM_INLINE Packet<float> to_numbers(const Sums& sums) { return _mm512_cvtepi32_ps(sums); }
#if defined(FASTLSTM_LEFT_BYTES)
FASTLSTM_INLINE Words load_weights(const std::int8_t* p) { return _mm512_loadu_si512(p); }
FASTLSTM_INLINE Sums dot(Sums sums, const Words& a, const Words& w) {
    asm("vpdpbusd %[w], %[a], %[sums]" : [sums] "+v"(sums) : [a] "v"(a), [w] "v"(w));
    return sums;
}
#else
FASTLSTM_INLINE Words load_weights(const std::int8_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
FASTLSTM_INLINE Sums dot(Sums sums, const Words& a, const Words& w) {
    asm("vpdpwssd %[w], %[a], %[sums]" : [sums] "+v"(sums) : [a] "v"(a), [w] "v"(w));
    return sums;
}
#endif
#elif defined(EIGEN_VECTORIZE_AVX2)
using Sums = __m256i;
using Words = __m256i;

FASTLSTM_INLINE Sums load_sums(const std::int32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
FASTLSTM_INLINE Words broadcast(std::int32_t word) { return _mm256_set1_epi32(word); }
FASTLSTM_INLINE Packet<float> to_numbers(const Sums& sums) { return _mm256_cvtepi32_ps(sums); }
#if defined(FASTLSTM_LEFT_BYTES)
FASTLSTM_INLINE Words load_weights(const std::int8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
FASTLSTM_INLINE Sums dot(Sums sums, const Words& a, const Words& w) {
    asm("%{vex%} vpdpbusd %[w], %[a], %[sums]" : [sums] "+x"(sums) : [a] "x"(a), [w] "x"(w));
    return sums;
}
#else
FASTLSTM_INLINE Words load_weights(const std::int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
FASTLSTM_INLINE Sums dot(Sums sums, const Words& a, const Words& w) {
    Sums products;
    asm("vpmaddwd %[w], %[a], %[products]\n\tvpaddd %[products], %[sums], %[sums]"
        : [sums] "+x"(sums), [products] "=&x"(products)
        : [a] "x"(a), [w] "x"(w));
    return sums;
}
#endif
#elif defined(EIGEN_VECTORIZE_SSE2)
using Sums = __m128i;
using Words = __m128i;

FASTLSTM_INLINE Sums load_sums(const std::int32_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
FASTLSTM_INLINE Words broadcast(std::int32_t word) { return _mm_set1_epi32(word); }
FASTLSTM_INLINE Packet<float> to_numbers(const Sums& sums) { return _mm_cvtepi32_ps(sums); }
FASTLSTM_INLINE Words load_weights(const std::int8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
}
FASTLSTM_INLINE Sums dot(Sums sums, const Words& a, const Words& w) {
    Sums products;
    asm("movdqa %[a], %[products]\n\tpmaddwd %[w], %[products]\n\tpaddd %[products], %[sums]"
        : [sums] "+x"(sums), [products] "=&x"(products)
        : [a] "x"(a), [w] "x"(w));
    return sums;
}
#elif defined(EIGEN_DONT_VECTORIZE)
using Sums = std::int32_t;
struct Words {
    std::int16_t even, odd;
};

FASTLSTM_INLINE Sums load_sums(const std::int32_t* p) { return *p; }
FASTLSTM_INLINE Words broadcast(std::int32_t word) {
    Words words;
    std::memcpy(&words, &word, sizeof(words));
    return words;
}
FASTLSTM_INLINE float to_numbers(Sums sum) { return static_cast<float>(sum); }
FASTLSTM_INLINE Words load_weights(const std::int8_t* p) { return {p[0], p[1]}; }
FASTLSTM_INLINE Sums dot(Sums sum, const Words& a, const Words& w) { return sum + a.even * w.even + a.odd * w.odd; }
#else
using Sums = int32x4_t;
using Words = int16x8_t;

FASTLSTM_INLINE Sums load_sums(const std::int32_t* p) { return vld1q_s32(p); }
FASTLSTM_INLINE Words broadcast(std::int32_t word) { return vreinterpretq_s16_s32(vdupq_n_s32(word)); }
FASTLSTM_INLINE Packet<float> to_numbers(const Sums& sums) { return vcvtq_f32_s32(sums); }
FASTLSTM_INLINE Words load_weights(const std::int8_t* p) { return vmovl_s8(vld1_s8(p)); }
FASTLSTM_INLINE Sums dot(const Sums& sums, const Words& a, const Words& w) {
    const int32x4_t low = vmull_s16(vget_low_s16(a), vget_low_s16(w)), high = vmull_high_s16(a, w);
    return vaddq_s32(sums, vpaddq_s32(low, high));
}
#endif

// kRoundedTogether numbers times a factor to whole numbers, to nearest, ties to even.
#if defined(EIGEN_VECTORIZE_AVX512)
constexpr Index kRoundedTogether = 16;

FASTLSTM_INLINE __m512i rounded_words(const float* x, float factor) {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(factor)));
}
FASTLSTM_INLINE void round_together(const float* x, float factor, std::int16_t* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(rounded_words(x, factor)));
}
FASTLSTM_INLINE void round_together(const float* x, float factor, std::uint8_t* to) {
    const __m512i shifted = _mm512_add_epi32(rounded_words(x, factor), _mm512_set1_epi32(kShift));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(shifted));
}
#elif defined(EIGEN_VECTORIZE_SSE2)
constexpr Index kRoundedTogether = 8;

FASTLSTM_INLINE __m128i rounded_words(const float* x, float factor) {
    const __m128 f = _mm_set1_ps(factor);
    const __m128i low = _mm_cvtps_epi32(_mm_mul_ps(_mm_loadu_ps(x), f));
    const __m128i high = _mm_cvtps_epi32(_mm_mul_ps(_mm_loadu_ps(x + 4), f));
    return _mm_packs_epi32(low, high);
}
FASTLSTM_INLINE void round_together(const float* x, float factor, std::int16_t* to) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), rounded_words(x, factor));
}
FASTLSTM_INLINE void round_together(const float* x, float factor, std::uint8_t* to) {
    const __m128i shifted = _mm_add_epi16(rounded_words(x, factor), _mm_set1_epi16(kShift));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(shifted, shifted));
}
#elif defined(EIGEN_DONT_VECTORIZE)
constexpr Index kRoundedTogether = 4;

FASTLSTM_INLINE void round_together(const float* x, float factor, std::int16_t* to) {
    for (Index i = 0; i < kRoundedTogether; ++i) to[i] = static_cast<std::int16_t>(std::nearbyint(x[i] * factor));
}
#else
constexpr Index kRoundedTogether = 8;

FASTLSTM_INLINE void round_together(const float* x, float factor, std::int16_t* to) {
    const int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x), factor));
    const int32x4_t high = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4), factor));
    vst1q_s16(to, vcombine_s16(vqmovn_s32(low), vqmovn_s32(high)));
}
#endif

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
