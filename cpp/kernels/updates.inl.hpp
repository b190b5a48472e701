// What a step of an optimizer makes of each weight: of w, its gradient g and what is kept for it, in one pass.
//
// Every operation is rounded for itself, in the order of the formulas, which stand here and in NumPy in
// fastlstm/reference/updates.py: all instruction sets have NumPy's bits. A NaN stays one.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "any_activation.inl.hpp"
#include "tile.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

template <class P, std::size_t N>
using Packets = std::array<P, N>;

// Gives the new weights and brings what is kept up to date. `numbers` are the rule's own.
template <class P, std::size_t S, std::size_t N>
using Rule = P (*)(const P& w, const P& g, Packets<P, S>& kept, const Packets<P, N>& numbers);

// sqrt(x), rounded once: that of Eigen is an approximation in some instruction sets. And floats as doubles.
#if defined(EIGEN_VECTORIZE_AVX512)
FASTLSTM_INLINE Packet<double> load_doubles(const float* x) { return _mm512_cvtps_pd(_mm256_loadu_ps(x)); }
FASTLSTM_INLINE Packet<float> root(const Packet<float>& x) { return _mm512_sqrt_ps(x); }
FASTLSTM_INLINE Packet<double> root(const Packet<double>& x) { return _mm512_sqrt_pd(x); }
#elif defined(EIGEN_VECTORIZE_AVX)
FASTLSTM_INLINE Packet<double> load_doubles(const float* x) { return _mm256_cvtps_pd(_mm_loadu_ps(x)); }
FASTLSTM_INLINE Packet<float> root(const Packet<float>& x) { return _mm256_sqrt_ps(x); }
FASTLSTM_INLINE Packet<double> root(const Packet<double>& x) { return _mm256_sqrt_pd(x); }
#elif defined(EIGEN_VECTORIZE_SSE)
FASTLSTM_INLINE Packet<double> load_doubles(const float* x) { return _mm_setr_pd(x[0], x[1]); }
FASTLSTM_INLINE Packet<float> root(const Packet<float>& x) { return _mm_sqrt_ps(x); }
FASTLSTM_INLINE Packet<double> root(const Packet<double>& x) { return _mm_sqrt_pd(x); }
#elif defined(EIGEN_DONT_VECTORIZE)
FASTLSTM_INLINE double load_doubles(const float* x) { return *x; }
FASTLSTM_INLINE float root(float x) { return std::sqrt(x); }
FASTLSTM_INLINE double root(double x) { return std::sqrt(x); }
#else
FASTLSTM_INLINE Packet<double> load_doubles(const float* x) { return vcvt_f64_f32(vld1_f32(x)); }
FASTLSTM_INLINE Packet<float> root(const Packet<float>& x) { return vsqrtq_f32(x); }
FASTLSTM_INLINE Packet<double> root(const Packet<double>& x) { return vsqrtq_f64(x); }
#endif
FASTLSTM_INLINE Packet<double> load_doubles(const double* x) { return ploadu<Packet<double>>(x); }

// mean + (x - mean) share
template <class P>
FASTLSTM_INLINE P follow(const P& mean, const P& x, const P& share) {
    return padd(mean, pmul(psub(x, mean), share));
}

template <class P>
FASTLSTM_INLINE P larger(const P& a, const P& b) {
    return Eigen::internal::pmax<Eigen::PropagateNaN>(a, b);
}

// g / sqrt(v + epsilon) rate
template <class P>
FASTLSTM_INLINE P over_root(const P& g, const P& v, const P& epsilon, const P& rate) {
    return pmul(pdiv(g, root(padd(v, epsilon))), rate);
}

// w - g rate
template <class P>
FASTLSTM_INLINE P sgd(const P& w, const P& g, Packets<P, 0>&, const Packets<P, 1>& numbers) {
    return psub(w, pmul(g, numbers[0]));
}

// v = v momentum - g rate,  w + v
template <class P>
FASTLSTM_INLINE P sgd_momentum(const P& w, const P& g, Packets<P, 1>& kept, const Packets<P, 2>& numbers) {
    auto& [v] = kept;
    const auto& [rate, momentum] = numbers;
    v = psub(pmul(v, momentum), pmul(g, rate));
    return padd(w, v);
}

// v the same,  w - g rate + v momentum
template <class P>
FASTLSTM_INLINE P sgd_nesterov(const P& w, const P& g, Packets<P, 1>& kept, const Packets<P, 2>& numbers) {
    sgd_momentum(w, g, kept, numbers);
    return padd(psub(w, pmul(g, numbers[0])), pmul(kept[0], numbers[1]));
}

// m, v follow g, g^2;  w - m / (sqrt(v) + epsilon) rate
template <class P>
FASTLSTM_INLINE P adam(const P& w, const P& g, Packets<P, 2>& kept, const Packets<P, 4>& numbers) {
    auto& [m, v] = kept;
    const auto& [rate, m_share, v_share, epsilon] = numbers;
    m = follow(m, g, m_share);
    v = follow(v, pmul(g, g), v_share);
    return psub(w, pmul(pdiv(m, padd(root(v), epsilon)), rate));
}

// the same with the largest v so far
template <class P>
FASTLSTM_INLINE P amsgrad(const P& w, const P& g, Packets<P, 3>& kept, const Packets<P, 4>& numbers) {
    auto& [m, v, largest] = kept;
    const auto& [rate, m_share, v_share, epsilon] = numbers;
    m = follow(m, g, m_share);
    v = follow(v, pmul(g, g), v_share);
    largest = larger(largest, v);
    return psub(w, pmul(pdiv(m, padd(root(largest), epsilon)), rate));
}

// m follows g,  u = max(u keep, |g|),  w - m / (u + epsilon) rate
template <class P>
FASTLSTM_INLINE P adamax(const P& w, const P& g, Packets<P, 2>& kept, const Packets<P, 4>& numbers) {
    auto& [m, u] = kept;
    const auto& [rate, m_share, keep, epsilon] = numbers;
    m = follow(m, g, m_share);
    u = larger(pmul(u, keep), Eigen::internal::pabs(g));
    return psub(w, pmul(pdiv(m, padd(u, epsilon)), rate));
}

// m, v follow g, g^2;  w - (m of_m + g of_g) / (sqrt(v) of_root + epsilon) rate
template <class P>
FASTLSTM_INLINE P nadam(const P& w, const P& g, Packets<P, 2>& kept, const Packets<P, 7>& numbers) {
    auto& [m, v] = kept;
    const auto& [rate, m_share, v_share, epsilon, of_m, of_g, of_root] = numbers;
    m = follow(m, g, m_share);
    v = follow(v, pmul(g, g), v_share);
    const P ahead = padd(pmul(m, of_m), pmul(g, of_g));
    return psub(w, pmul(pdiv(ahead, padd(pmul(root(v), of_root), epsilon)), rate));
}

// v follows g^2,  w - g / sqrt(v + epsilon) rate
template <class P>
FASTLSTM_INLINE P rmsprop(const P& w, const P& g, Packets<P, 1>& kept, const Packets<P, 3>& numbers) {
    auto& [v] = kept;
    const auto& [rate, share, epsilon] = numbers;
    v = follow(v, pmul(g, g), share);
    return psub(w, over_root(g, v, epsilon, rate));
}

// the same with m = m momentum + step,  w - m
template <class P>
FASTLSTM_INLINE P rmsprop_momentum(const P& w, const P& g, Packets<P, 2>& kept, const Packets<P, 4>& numbers) {
    auto& [v, m] = kept;
    const auto& [rate, share, epsilon, momentum] = numbers;
    v = follow(v, pmul(g, g), share);
    m = padd(pmul(m, momentum), over_root(g, v, epsilon, rate));
    return psub(w, m);
}

// v, mean follow g^2, g;  w - g / sqrt(v - mean^2 + epsilon) rate
template <class P>
FASTLSTM_INLINE P rmsprop_centered(const P& w, const P& g, Packets<P, 2>& kept, const Packets<P, 3>& numbers) {
    auto& [v, mean] = kept;
    const auto& [rate, share, epsilon] = numbers;
    v = follow(v, pmul(g, g), share);
    mean = follow(mean, g, share);
    return psub(w, over_root(g, psub(v, pmul(mean, mean)), epsilon, rate));
}

// both
template <class P>
FASTLSTM_INLINE P rmsprop_centered_momentum(const P& w, const P& g, Packets<P, 3>& kept, const Packets<P, 4>& numbers) {
    auto& [v, m, mean] = kept;
    const auto& [rate, share, epsilon, momentum] = numbers;
    v = follow(v, pmul(g, g), share);
    mean = follow(mean, g, share);
    m = padd(pmul(m, momentum), over_root(g, psub(v, pmul(mean, mean)), epsilon, rate));
    return psub(w, m);
}

// a += g^2,  w - g / sqrt(a + epsilon) rate
template <class P>
FASTLSTM_INLINE P adagrad(const P& w, const P& g, Packets<P, 1>& kept, const Packets<P, 2>& numbers) {
    auto& [total] = kept;
    const auto& [rate, epsilon] = numbers;
    total = padd(total, pmul(g, g));
    return psub(w, over_root(g, total, epsilon, rate));
}

// v follows g^2,  d = sqrt(u + epsilon) / sqrt(v + epsilon) g,  u follows d^2,  w - d rate
template <class P>
FASTLSTM_INLINE P adadelta(const P& w, const P& g, Packets<P, 2>& kept, const Packets<P, 3>& numbers) {
    auto& [v, u] = kept;
    const auto& [rate, share, epsilon] = numbers;
    v = follow(v, pmul(g, g), share);
    const P step = pmul(pdiv(root(padd(u, epsilon)), root(padd(v, epsilon))), g);
    u = follow(u, pmul(step, step), share);
    return psub(w, pmul(step, rate));
}

// w - sign(m keep_1 + g share_1) rate,  m = m keep_2 + g share_2
template <class P>
FASTLSTM_INLINE P lion(const P& w, const P& g, Packets<P, 1>& kept, const Packets<P, 5>& numbers) {
    using Eigen::internal::pcmp_lt;
    using Eigen::internal::pselect;
    auto& [m] = kept;
    const auto& [rate, keep_1, share_1, keep_2, share_2] = numbers;
    const P where = padd(pmul(m, keep_1), pmul(g, share_1)), zero = pset1<P>(0);
    const P falling = pselect(pcmp_lt(where, zero), psub(zero, rate), pmul(where, zero));
    m = padd(pmul(m, keep_2), pmul(g, share_2));
    return psub(w, pselect(pcmp_lt(zero, where), rate, falling));
}

// w + (g - w) share: a mean of weights, in place of w, follows them
template <class P>
FASTLSTM_INLINE P mean(const P& w, const P& g, Packets<P, 0>&, const Packets<P, 1>& numbers) {
    return follow(w, g, numbers[0]);
}

constexpr Index kSquares = 16;  // chains of a sum of squares, everywhere

using SquareSums = Packet<double>[kSquares / kLanes<double>];

template <class T>
FASTLSTM_INLINE void add_squares(const T* x, SquareSums& sums) {
    FASTLSTM_UNROLL
    for (Index p = 0; p < kSquares / kLanes<double>; ++p) {
        const Packet<double> numbers = load_doubles(x + p * kLanes<double>);
        sums[p] = padd(sums[p], pmul(numbers, numbers));
    }
}

template <class T>
double squares(const T* x, Index n) {
    SquareSums sums;
    for (Packet<double>& sum : sums) sum = pset1<Packet<double>>(0);
    const Index rest = n % kSquares;
    for (Index at = 0; at < n - rest; at += kSquares) add_squares(x + at, sums);
    T last[kSquares] = {};
    std::copy(x + n - rest, x + n, last);
    add_squares(last, sums);
    double whole = 0;
    for (const Packet<double>& sum : sums) {
        double lanes[kLanes<double>];
        pstoreu(lanes, sum);
        for (const double lane : lanes) whole += lane;
    }
    return whole;
}

template <class T, class R, R rule>
struct Sweep;

template <class T, class P, std::size_t S, std::size_t N, Rule<P, S, N> rule>
struct Sweep<T, Rule<P, S, N>, rule> {
    static constexpr int kKept = static_cast<int>(S), kNumbers = static_cast<int>(N);

    template <std::size_t... s>
    FASTLSTM_INLINE static void some(const UpdateArgs<T>& args, const Packets<P, N>& numbers, const P& decay,
                                     const P& scale, Index at, Index n, std::index_sequence<s...>) {
        Packets<P, S> kept{load_first(args.kept[s] + at, n)...};
        const P w = pmul(load_first(args.w + at, n), decay), g = pmul(load_first(args.g + at, n), scale);
        store_first(args.next + at, rule(w, g, kept, numbers), n);
        (store_first(args.kept[s] + at, kept[s], n), ...);
    }

    static void all(const UpdateArgs<T>& args) {
        Packets<P, N> numbers;
        for (std::size_t i = 0; i < N; ++i) numbers[i] = pset1<P>(args.numbers[i]);
        const P decay = pset1<P>(args.decay), scale = pset1<P>(args.scale);
        const auto slots = std::make_index_sequence<S>();
        Index at = 0;
        for (; at + kLanes<T> <= args.size; at += kLanes<T>) some(args, numbers, decay, scale, at, kLanes<T>, slots);
        if (at < args.size) some(args, numbers, decay, scale, at, args.size - at, slots);
    }
};

template <class T, auto rule>
constexpr Update<T> update(const char* name) {
    using Rows = Sweep<T, decltype(rule), rule>;
    return {name, Rows::kKept, Rows::kNumbers, Rows::all};
}

template <class T>
constexpr Update<T> kUpdates[] = {
    update<T, sgd<Packet<T>>>("sgd"),
    update<T, sgd_momentum<Packet<T>>>("sgd_momentum"),
    update<T, sgd_nesterov<Packet<T>>>("sgd_nesterov"),
    update<T, adam<Packet<T>>>("adam"),
    update<T, amsgrad<Packet<T>>>("amsgrad"),
    update<T, adamax<Packet<T>>>("adamax"),
    update<T, nadam<Packet<T>>>("nadam"),
    update<T, rmsprop<Packet<T>>>("rmsprop"),
    update<T, rmsprop_momentum<Packet<T>>>("rmsprop_momentum"),
    update<T, rmsprop_centered<Packet<T>>>("rmsprop_centered"),
    update<T, rmsprop_centered_momentum<Packet<T>>>("rmsprop_centered_momentum"),
    update<T, adagrad<Packet<T>>>("adagrad"),
    update<T, adadelta<Packet<T>>>("adadelta"),
    update<T, lion<Packet<T>>>("lion"),
    update<T, mean<Packet<T>>>("mean"),
};

template <class T>
constexpr int kUpdateCount = static_cast<int>(sizeof(kUpdates<T>) / sizeof(kUpdates<T>[0]));

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
