// tanh and the logistic sigmoid, as fractions, so that products of them share a division.
//
// Bounds asserted by tests/test_activations.py against float64 (float32) and extended precision (float64):
//   tanh     float32 6 ULP, float64 4 ULP, everywhere; float32 2 ULP from 2 on
//   sigmoid  float32 4 ULP, float64 4 ULP, everywhere
// Both reach their limits: tanh is +-1 and never more, sigmoid 1 and 0 where that is the nearest number, subnormal ones
// counting as 0. Slopes keep their digits towards both ends of a sigmoid, and are 0 from its 0 and as far above. NaN
// gives NaN, infinities the limits.
#pragma once

#include "bits.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// gap = denominator - |numerator|, found without that subtraction: nothing has cancelled in it. It is 0 where the
// quotient is 1 for every purpose: from there on its slope is 0.
template <class Packet>
struct Fraction {
    Packet numerator, denominator, gap;
};

template <class T>
FASTLSTM_INLINE Packet<T> constant(double value) {
    return pset1<Packet<T>>(static_cast<T>(value));
}

// c0 + c1 x + c2 x^2 + ...
template <class T>
FASTLSTM_INLINE Packet<T> polynomial(const Packet<T>&, double c0) {
    return constant<T>(c0);
}
template <class T, class... More>
FASTLSTM_INLINE Packet<T> polynomial(const Packet<T>& x, double c0, double c1, More... more) {
    return pmadd(polynomial<T>(x, c1, more...), x, constant<T>(c0));
}

// e^-x for -88.3 <= x <= 88 as the two factors of 2^n e^-r, n = round(-x / ln 2) and |r| <= ln(2) / 2.
// e^-r is a minimax polynomial of relative error 9.2e-8 that is 1 at 0. For n = -127 the second factor is 0.
struct ExpNegative {
    Packet<float> mantissa, scale;
};
FASTLSTM_INLINE ExpNegative exp_negative(const Packet<float>& x) {
    // 1.5 * 2^23: adding it rounds to an integer, which the low bits hold; with the bias of an exponent on top they are
    // that of 2^n, and shifting them to its place drops the rest.
    const Packet<float> magic = constant<float>(12582912.0 + 127.0);
    const Packet<float> shifted = pmadd(x, constant<float>(-1.44269504088896341), magic);
    const Packet<float> n = psub(shifted, magic);
    // ln 2 in two parts, the first with few bits so that its product with n is exact
    Packet<float> r = pmadd(n, constant<float>(0.693359375), x);
    r = pmadd(n, constant<float>(-2.12194440054690583e-4), r);
    const Packet<float> e =
        polynomial<float>(r, 1.0, -0.99999970631, 0.499991478338, -0.166676381345, 0.0418981605837, -0.00829027203847);
    return {e, as_floats(shift_left<23>(as_bits(shifted)))};
}

// e^x, clamped where it would overflow. Eigen's is made of multiply-adds of its own, which SSE2 rounds twice.
FASTLSTM_INLINE Packet<float> exp_clamped(const Packet<float>& x) {
#if defined(FASTLSTM_INT8)
    const Packet<float> negative = psub(constant<float>(0), x);
    const auto [e, scale] = exp_negative(at_least(at_most(negative, constant<float>(88)), constant<float>(-88.3)));
    return pmul(e, scale);
#else
    return Eigen::internal::pexp(x);
#endif
}
FASTLSTM_INLINE Packet<double> exp_clamped(const Packet<double>& x) { return Eigen::internal::pexp(x); }

FASTLSTM_INLINE Packet<double> exp_negative(const Packet<double>& x) {
    return Eigen::internal::pexp(psub(constant<double>(0), x));
}

// sigmoid(x) = 1 / (1 + e^-x). The denominator stays finite, and yet so large below the bounds that its inverse is
// subnormal, which kernels flush to 0.
FASTLSTM_INLINE Fraction<Packet<float>> sigmoid_fraction(const Packet<float>& x) {
    const auto [e, scale] = exp_negative(at_least(at_most(x, constant<float>(88)), constant<float>(-88.3)));
    const Packet<float> one = constant<float>(1);
    return {one, pmadd(e, scale, one), pmul(e, scale)};
}

FASTLSTM_INLINE Fraction<Packet<double>> sigmoid_fraction(const Packet<double>& x) {
    const Packet<double> one = constant<double>(1), bound = constant<double>(700);
    const Packet<double> e = exp_negative(at_least(at_most(x, bound), constant<double>(-709.5)));
    return {one, padd(e, one), Eigen::internal::pand(Eigen::internal::pcmp_lt(x, bound), e)};
}

// Both parts of a tanh that shares its division with a sigmoid are times the square of this: the product of the
// denominators, at most 2.2e38 times 744 (1.4e308 times 2), then stays finite, and its inverse is no subnormal number.
template <class T>
constexpr double kShared = sizeof(T) == sizeof(float) ? 0x1p-6 : 0x1p-2;

// With t = tanh(|x| / 2) = n / d, tanh |x| is 2 n d / (2 n d + (d - n)^2). As the same product stands in both parts, a
// rounding of n or d moves their quotient the less the nearer it is to 1, and it is never above 1. t is |x| P(x^2) /
// Q(x^2), a minimax fit that leaves a relative error of 7.4e-9 in tanh for |x| up to the bound. From there on tanh
// rounds to 1, and both parts are the same number, with fused and with separate multiply-adds. Parts are times the
// square of `scale`.
FASTLSTM_INLINE Fraction<Packet<float>> tanh_fraction(const Packet<float>& x, double scale = 1) {
    using Eigen::internal::pand;
    const Packet<float> magnitude = Eigen::internal::pabs(x), bound = constant<float>(9.01091385);
    const Packet<float> b = at_most(magnitude, bound), s = pmul(b, b);
    const Packet<float> p = polynomial<float>(s, scale, scale * 0.0297778522, scale * 1.14342017e-4);
    const Packet<float> d =
        polynomial<float>(s, scale, scale * 0.113111151, scale * 0.00120697395, scale * 1.23087479e-6);
    const Packet<float> n_twice = pmul(b, p), product = pmul(n_twice, d);
    const Packet<float> difference = pmadd(n_twice, constant<float>(-0.5), d);
    const Packet<float> gap = pand(Eigen::internal::pcmp_lt(magnitude, bound), pmul(difference, difference));
    const Packet<float> sign = pand(x, constant<float>(-0.0));
    return {Eigen::internal::por(product, sign), pmadd(difference, difference, product), gap};
}

// |x| < 0.7: x P(x^2) / Q(x^2), relative error 3e-18; else (1 - e) / (1 + e) with e = e^-2|x|, and the sign of x.
// Parts are times the square of `scale`.
FASTLSTM_INLINE Fraction<Packet<double>> tanh_fraction(const Packet<double>& x, double scale = 1) {
    using Eigen::internal::pabs;
    using Eigen::internal::pselect;
    const Packet<double> b = at_least(at_most(x, constant<double>(20)), constant<double>(-20));
    const Packet<double> s = pmul(b, b);
    const Packet<double> p =
        polynomial<double>(s, 1.0, 0.12814410333162266519, 0.0027904288099515073709, 7.335863652438593431e-6);
    const Packet<double> q =
        polynomial<double>(s, 1.0, 0.46147743666495545987, 0.023282907698288292155, 0.00020623417577406897093);
    const Packet<double> magnitude = pabs(b);
    const Packet<double> e = exp_negative(padd(magnitude, magnitude));
    const Packet<double> one = constant<double>(1);
    const Packet<double> large = psub(one, e);
    const Packet<double> signed_large = pselect(Eigen::internal::pcmp_lt(b, constant<double>(0)), psub(e, one), large);
    const Packet<double> is_small = Eigen::internal::pcmp_lt(magnitude, constant<double>(0.7));
    const Packet<double> numerator = pselect(is_small, pmul(b, p), signed_large),
                         denominator = pselect(is_small, q, padd(one, e));
    const Packet<double> small_gap = psub(q, pmul(magnitude, p));
    const Packet<double> gap = Eigen::internal::pand(Eigen::internal::pcmp_lt(magnitude, constant<double>(19.07)),
                                                     pselect(is_small, small_gap, padd(e, e)));
    const Packet<double> factor = constant<double>(scale * scale);
    return {pmul(factor, numerator), pmul(factor, denominator), pmul(factor, gap)};
}

template <class T>
FASTLSTM_INLINE Packet<T> tanh_packet(const Packet<T>& x) {
    const Fraction<Packet<T>> t = tanh_fraction(x);
    return pdiv(t.numerator, t.denominator);
}

template <class T>
FASTLSTM_INLINE Packet<T> sigmoid_packet(const Packet<T>& x) {
    return pdiv(constant<T>(1), sigmoid_fraction(x).denominator);
}

// What a fraction lacks of 1 is p = gap / denominator, without a cancellation. So a quotient q that roundings have
// moved is off by a factor of |q| + p, which is told without a rounding where it matters: towards 1. What should be 1
// is 1.
template <class Packet>
FASTLSTM_INLINE Packet refined(const Packet& quotient, const Packet& magnitude, const Packet& p) {
    const Packet one = constant<typename Eigen::internal::unpacket_traits<Packet>::type>(1);
    return pmadd(quotient, psub(psub(one, magnitude), p), quotient);
}

template <class Packet>
FASTLSTM_INLINE Packet refined_sigmoid(const Fraction<Packet>& s, const Packet& quotient) {
    return refined(quotient, quotient, pmul(s.gap, quotient));
}

// 1 - sigmoid. It is 1 where the quotient is flushed to 0.
template <class Packet>
FASTLSTM_INLINE Packet complement(const Fraction<Packet>& s, const Packet& quotient) {
    const Packet zero = pset1<Packet>(0), one = pset1<Packet>(1);
    return pmadd(s.gap, quotient, Eigen::internal::pand(Eigen::internal::pcmp_eq(quotient, zero), one));
}

// sigmoid (1 - sigmoid)
template <class Packet>
FASTLSTM_INLINE Packet sigmoid_slope(const Fraction<Packet>& s, const Packet& quotient) {
    return pmul(quotient, pmul(s.gap, quotient));
}

// With the inverse of the denominator.
template <class Packet>
FASTLSTM_INLINE Packet refined_tanh(const Fraction<Packet>& t, const Packet& inverse) {
    const Packet quotient = pmul(t.numerator, inverse);
    return refined(quotient, Eigen::internal::pabs(quotient), pmul(t.gap, inverse));
}

// 1 - tanh^2 = p (1 + |tanh|)
template <class Packet>
FASTLSTM_INLINE Packet tanh_slope(const Fraction<Packet>& t, const Packet& inverse) {
    const Packet p = pmul(t.gap, inverse);
    return pmadd(p, Eigen::internal::pabs(pmul(t.numerator, inverse)), p);
}

template <class T, Packet<T> (*function)(const Packet<T>&)>
void map(const T* x, T* y, Index n) {
    for (Index i = 0; i < n; i += kLanes<T>) {
        const Index remaining = n - i;
        store_first(y + i, function(load_first(x + i, remaining)), remaining);
    }
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
