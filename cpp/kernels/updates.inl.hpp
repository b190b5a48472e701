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

template <class Packet, std::size_t Count>
using Packets = std::array<Packet, Count>;

// Gives the new weights and brings what is kept up to date. `numbers` are the rule's own.
template <class Packet, std::size_t Kept, std::size_t Numbers>
using Rule = Packet (*)(const Packet& w, const Packet& g, Packets<Packet, Kept>& kept,
                        const Packets<Packet, Numbers>& numbers);

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

// mean beta + x (1 - beta), as mean + (x - mean) (1 - beta)
template <class Packet>
FASTLSTM_INLINE Packet follow(const Packet& mean, const Packet& x, const Packet& one_minus_beta) {
    return padd(mean, pmul(psub(x, mean), one_minus_beta));
}

template <class Packet>
FASTLSTM_INLINE Packet larger(const Packet& a, const Packet& b) {
    return Eigen::internal::pmax<Eigen::PropagateNaN>(a, b);
}

// g / sqrt(v + epsilon) rate
template <class Packet>
FASTLSTM_INLINE Packet over_root(const Packet& g, const Packet& v, const Packet& epsilon, const Packet& rate) {
    return pmul(pdiv(g, root(padd(v, epsilon))), rate);
}

// w - g rate
template <class Packet>
FASTLSTM_INLINE Packet sgd(const Packet& w, const Packet& g, Packets<Packet, 0>&, const Packets<Packet, 1>& numbers) {
    return psub(w, pmul(g, numbers[0]));
}

// v = v momentum - g rate,  w + v
template <class Packet>
FASTLSTM_INLINE Packet sgd_momentum(const Packet& w, const Packet& g, Packets<Packet, 1>& kept,
                                    const Packets<Packet, 2>& numbers) {
    auto& [v] = kept;
    const auto& [rate, momentum] = numbers;
    v = psub(pmul(v, momentum), pmul(g, rate));
    return padd(w, v);
}

// v the same,  w - g rate + v momentum
template <class Packet>
FASTLSTM_INLINE Packet sgd_nesterov(const Packet& w, const Packet& g, Packets<Packet, 1>& kept,
                                    const Packets<Packet, 2>& numbers) {
    sgd_momentum(w, g, kept, numbers);
    return padd(psub(w, pmul(g, numbers[0])), pmul(kept[0], numbers[1]));
}

// m, v follow g, g^2;  w - m / (sqrt(v) + epsilon) rate
template <class Packet>
FASTLSTM_INLINE Packet adam(const Packet& w, const Packet& g, Packets<Packet, 2>& kept,
                            const Packets<Packet, 4>& numbers) {
    auto& [m, v] = kept;
    const auto& [rate, one_minus_beta_1, one_minus_beta_2, epsilon] = numbers;
    m = follow(m, g, one_minus_beta_1);
    v = follow(v, pmul(g, g), one_minus_beta_2);
    return psub(w, pmul(pdiv(m, padd(root(v), epsilon)), rate));
}

// the same with the largest v so far
template <class Packet>
FASTLSTM_INLINE Packet amsgrad(const Packet& w, const Packet& g, Packets<Packet, 3>& kept,
                               const Packets<Packet, 4>& numbers) {
    auto& [m, v, largest] = kept;
    const auto& [rate, one_minus_beta_1, one_minus_beta_2, epsilon] = numbers;
    m = follow(m, g, one_minus_beta_1);
    v = follow(v, pmul(g, g), one_minus_beta_2);
    largest = larger(largest, v);
    return psub(w, pmul(pdiv(m, padd(root(largest), epsilon)), rate));
}

// m follows g,  u = max(u beta_2, |g|),  w - m / (u + epsilon) rate
template <class Packet>
FASTLSTM_INLINE Packet adamax(const Packet& w, const Packet& g, Packets<Packet, 2>& kept,
                              const Packets<Packet, 4>& numbers) {
    auto& [m, u] = kept;
    const auto& [rate, one_minus_beta_1, beta_2, epsilon] = numbers;
    m = follow(m, g, one_minus_beta_1);
    u = larger(pmul(u, beta_2), Eigen::internal::pabs(g));
    return psub(w, pmul(pdiv(m, padd(u, epsilon)), rate));
}

// m, v follow g, g^2;  w - (m of_m + g of_g) / (sqrt(v) of_root + epsilon) rate
template <class Packet>
FASTLSTM_INLINE Packet nadam(const Packet& w, const Packet& g, Packets<Packet, 2>& kept,
                             const Packets<Packet, 7>& numbers) {
    auto& [m, v] = kept;
    const auto& [rate, one_minus_beta_1, one_minus_beta_2, epsilon, of_m, of_g, of_root] = numbers;
    m = follow(m, g, one_minus_beta_1);
    v = follow(v, pmul(g, g), one_minus_beta_2);
    const Packet ahead = padd(pmul(m, of_m), pmul(g, of_g));
    return psub(w, pmul(pdiv(ahead, padd(pmul(root(v), of_root), epsilon)), rate));
}

// v follows g^2,  w - g / sqrt(v + epsilon) rate
template <class Packet>
FASTLSTM_INLINE Packet rmsprop(const Packet& w, const Packet& g, Packets<Packet, 1>& kept,
                               const Packets<Packet, 3>& numbers) {
    auto& [v] = kept;
    const auto& [rate, one_minus_rho, epsilon] = numbers;
    v = follow(v, pmul(g, g), one_minus_rho);
    return psub(w, over_root(g, v, epsilon, rate));
}

// the same with m = m momentum + step,  w - m
template <class Packet>
FASTLSTM_INLINE Packet rmsprop_momentum(const Packet& w, const Packet& g, Packets<Packet, 2>& kept,
                                        const Packets<Packet, 4>& numbers) {
    auto& [v, m] = kept;
    const auto& [rate, one_minus_rho, epsilon, momentum] = numbers;
    v = follow(v, pmul(g, g), one_minus_rho);
    m = padd(pmul(m, momentum), over_root(g, v, epsilon, rate));
    return psub(w, m);
}

// v, mean follow g^2, g;  w - g / sqrt(v - mean^2 + epsilon) rate
template <class Packet>
FASTLSTM_INLINE Packet rmsprop_centered(const Packet& w, const Packet& g, Packets<Packet, 2>& kept,
                                        const Packets<Packet, 3>& numbers) {
    auto& [v, mean] = kept;
    const auto& [rate, one_minus_rho, epsilon] = numbers;
    v = follow(v, pmul(g, g), one_minus_rho);
    mean = follow(mean, g, one_minus_rho);
    return psub(w, over_root(g, psub(v, pmul(mean, mean)), epsilon, rate));
}

// both
template <class Packet>
FASTLSTM_INLINE Packet rmsprop_centered_momentum(const Packet& w, const Packet& g, Packets<Packet, 3>& kept,
                                                 const Packets<Packet, 4>& numbers) {
    auto& [v, m, mean] = kept;
    const auto& [rate, one_minus_rho, epsilon, momentum] = numbers;
    v = follow(v, pmul(g, g), one_minus_rho);
    mean = follow(mean, g, one_minus_rho);
    m = padd(pmul(m, momentum), over_root(g, psub(v, pmul(mean, mean)), epsilon, rate));
    return psub(w, m);
}

// a += g^2,  w - g / sqrt(a + epsilon) rate
template <class Packet>
FASTLSTM_INLINE Packet adagrad(const Packet& w, const Packet& g, Packets<Packet, 1>& kept,
                               const Packets<Packet, 2>& numbers) {
    auto& [total] = kept;
    const auto& [rate, epsilon] = numbers;
    total = padd(total, pmul(g, g));
    return psub(w, over_root(g, total, epsilon, rate));
}

// v follows g^2,  d = sqrt(u + epsilon) / sqrt(v + epsilon) g,  u follows d^2,  w - d rate
template <class Packet>
FASTLSTM_INLINE Packet adadelta(const Packet& w, const Packet& g, Packets<Packet, 2>& kept,
                                const Packets<Packet, 3>& numbers) {
    auto& [v, u] = kept;
    const auto& [rate, one_minus_rho, epsilon] = numbers;
    v = follow(v, pmul(g, g), one_minus_rho);
    const Packet step = pmul(pdiv(root(padd(u, epsilon)), root(padd(v, epsilon))), g);
    u = follow(u, pmul(step, step), one_minus_rho);
    return psub(w, pmul(step, rate));
}

// w - sign(m beta_1 + g (1 - beta_1)) rate,  m = m beta_2 + g (1 - beta_2)
template <class Packet>
FASTLSTM_INLINE Packet lion(const Packet& w, const Packet& g, Packets<Packet, 1>& kept,
                            const Packets<Packet, 5>& numbers) {
    using Eigen::internal::pcmp_lt;
    using Eigen::internal::pselect;
    auto& [m] = kept;
    const auto& [rate, beta_1, one_minus_beta_1, beta_2, one_minus_beta_2] = numbers;
    const Packet where = padd(pmul(m, beta_1), pmul(g, one_minus_beta_1)), zero = pset1<Packet>(0);
    const Packet falling = pselect(pcmp_lt(where, zero), psub(zero, rate), pmul(where, zero));
    m = padd(pmul(m, beta_2), pmul(g, one_minus_beta_2));
    return psub(w, pselect(pcmp_lt(zero, where), rate, falling));
}

// w + (g - w) (1 - beta): a mean of weights, in place of w, follows them
template <class Packet>
FASTLSTM_INLINE Packet mean(const Packet& w, const Packet& g, Packets<Packet, 0>&, const Packets<Packet, 1>& numbers) {
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
    const Index tail = n % kSquares;
    for (Index at = 0; at < n - tail; at += kSquares) add_squares(x + at, sums);
    T last[kSquares] = {};
    std::copy(x + n - tail, x + n, last);
    add_squares(last, sums);
    double whole = 0;
    for (const Packet<double>& sum : sums) {
        double lanes[kLanes<double>];
        pstoreu(lanes, sum);
        for (const double lane : lanes) whole += lane;
    }
    return whole;
}

template <class T, class Kind, Kind rule>
struct Sweep;

template <class T, class Packet, std::size_t Kept, std::size_t Numbers, Rule<Packet, Kept, Numbers> rule>
struct Sweep<T, Rule<Packet, Kept, Numbers>, rule> {
    static constexpr int kKept = static_cast<int>(Kept), kNumbers = static_cast<int>(Numbers);

    template <std::size_t... s>
    FASTLSTM_INLINE static void some(const UpdateArgs<T>& args, const Packets<Packet, Numbers>& numbers,
                                     const Packet& decay, const Packet& scale, Index at, Index n,
                                     std::index_sequence<s...>) {
        Packets<Packet, Kept> kept{load_first(args.kept[s] + at, n)...};
        const Packet w = pmul(load_first(args.w + at, n), decay), g = pmul(load_first(args.g + at, n), scale);
        store_first(args.next + at, rule(w, g, kept, numbers), n);
        (store_first(args.kept[s] + at, kept[s], n), ...);
    }

    static void all(const UpdateArgs<T>& args) {
        Packets<Packet, Numbers> numbers;
        for (std::size_t i = 0; i < Numbers; ++i) numbers[i] = pset1<Packet>(args.numbers[i]);
        const Packet decay = pset1<Packet>(args.decay), scale = pset1<Packet>(args.scale);
        const auto slots = std::make_index_sequence<Kept>();
        Index at = 0;
        for (; at + kLanes<T> <= args.size; at += kLanes<T>) some(args, numbers, decay, scale, at, kLanes<T>, slots);
        if (at < args.size) some(args, numbers, decay, scale, at, args.size - at, slots);
    }
};

template <class T, auto rule>
constexpr Update<T> update(const char* name) {
    using Whole = Sweep<T, decltype(rule), rule>;
    return {name, Whole::kKept, Whole::kNumbers, Whole::all};
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
