// The functions a gate of a general cell may have, each with its slope. alpha and beta are those of an Activation.
//
//   affine            alpha x + beta                     relu              max(x, 0)
//   leaky_relu        x if x > 0 else alpha x            thresholded_relu  x if x > alpha else 0
//   tanh              tanh x                             scaled_tanh       alpha tanh(beta x)
//   sigmoid           1 / (1 + e^-x)                     hard_sigmoid      min(max(alpha x + beta, 0), 1)
//   elu               x if x > 0 else alpha (e^x - 1)    selu              elu times 1.0507..., with alpha 1.6732...
//   softsign          x / (1 + |x|)                      softplus          ln(1 + e^x)
//   exponential       e^x                                silu              x sigmoid(x)
//
// The slope at a kink is that of the left side. NaN gives NaN, in the slope too, and infinities the limits.
#pragma once

#include "activations.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// A function's value and its slope at one place.
template <class T>
struct ValueAndSlope {
    Packet<T> value, slope;
};

template <class T>
FASTLSTM_INLINE Packet<T> where_above(const Packet<T>& x, const Packet<T>& bound, const Packet<T>& then,
                                      const Packet<T>& otherwise) {
    return Eigen::internal::pselect(Eigen::internal::pcmp_lt(bound, x), then, otherwise);
}

template <class T>
FASTLSTM_INLINE ValueAndSlope<T> tanh(const Packet<T>& x) {
    const Fraction<Packet<T>> t = tanh_fraction(x);
    const Packet<T> inverse = pdiv(constant<T>(1), t.denominator);
    return {refined_tanh(t, inverse), tanh_slope(t, inverse)};
}

// e^x - 1 for x <= 0, from tanh(x / 2) = n / d as 2 n / (d - n): nothing cancels.
template <class T>
FASTLSTM_INLINE Packet<T> expm1_of_negative(const Packet<T>& x) {
    const Fraction<Packet<T>> half = tanh_fraction(Packet<T>(pmul(x, constant<T>(0.5))));
    return pdiv(padd(half.numerator, half.numerator), psub(half.denominator, half.numerator));
}

// e^x. That of half of x is not clamped, and the square goes to infinity, or to zero.
template <class T>
FASTLSTM_INLINE Packet<T> exp_packet(const Packet<T>& x) {
    const Packet<T> root = exp_clamped(Packet<T>(pmul(x, constant<T>(0.5))));
    return pmul(root, root);
}

// ln(1 + u) for 0 <= u <= 1, as 2 atanh(s) with s = u / (2 + u) <= 1 / 3.
template <class T>
FASTLSTM_INLINE Packet<T> log1p_of_unit(const Packet<T>& u) {
    const Packet<T> s = pdiv(u, padd(u, constant<T>(2))), q = pmul(s, s);
    const Packet<T> series = polynomial<T>(q, 1.0, 1 / 3., 1 / 5., 1 / 7., 1 / 9., 1 / 11., 1 / 13., 1 / 15., 1 / 17.,
                                           1 / 19., 1 / 21., 1 / 23., 1 / 25., 1 / 27., 1 / 29., 1 / 31., 1 / 33.);
    return pmul(padd(s, s), series);
}

template <class T>
ValueAndSlope<T> hard_sigmoid(const Packet<T>& x, const Packet<T>& alpha, const Packet<T>& beta) {
    const Packet<T> zero = constant<T>(0), one = constant<T>(1), line = pmadd(alpha, x, beta);
    const Packet<T> value = at_most(at_least(line, zero), one);
    return {value, where_above<T>(line, zero, where_above<T>(one, line, alpha, zero), zero)};
}

template <class T>
ValueAndSlope<T> elu(const Packet<T>& x, const Packet<T>& alpha) {
    const Packet<T> zero = constant<T>(0), one = constant<T>(1);
    const Packet<T> below = at_most(x, zero);
    return {where_above<T>(x, zero, x, pmul(alpha, expm1_of_negative<T>(below))),
            where_above<T>(x, zero, one, pmul(alpha, exp_packet<T>(below)))};
}

template <class T>
ValueAndSlope<T> softplus(const Packet<T>& x) {
    const Packet<T> u = exp_clamped(Packet<T>(psub(constant<T>(0), Eigen::internal::pabs(x))));
    return {padd(at_least(x, constant<T>(0)), log1p_of_unit<T>(u)), sigmoid_packet<T>(x)};
}

// Beyond +-bound the value is 1 to the last place and the slope below the smallest number.
template <class T>
ValueAndSlope<T> softsign(const Packet<T>& x) {
    const Packet<T> one = constant<T>(1), bound = constant<T>(sizeof(T) == sizeof(float) ? 0x1p100 : 0x1p600);
    const Packet<T> bounded = at_least(at_most(x, bound), psub(constant<T>(0), bound));
    const Packet<T> whole = padd(one, Eigen::internal::pabs(bounded)), inverse = pdiv(one, whole);
    return {pdiv(bounded, whole), pmul(inverse, inverse)};
}

// Beyond +-1000 the sigmoid is 0 or 1, which infinity must not be multiplied with.
template <class T>
ValueAndSlope<T> silu(const Packet<T>& x) {
    const Packet<T> one = constant<T>(1), y = sigmoid_packet<T>(x), above = at_least(x, constant<T>(-1000));
    return {pmul(above, y), pmul(y, pmadd(at_most(above, constant<T>(1000)), psub(one, y), one))};
}

template <class T>
FASTLSTM_INLINE ValueAndSlope<T> evaluate_number(const Activation& activation, const Packet<T>& x) {
    const Packet<T> zero = constant<T>(0), one = constant<T>(1);
    const Packet<T> alpha = constant<T>(activation.alpha), beta = constant<T>(activation.beta);
    switch (activation.function) {
        case Function::affine: return {pmadd(alpha, x, beta), alpha};
        case Function::relu: return {at_least(x, zero), where_above<T>(x, zero, one, zero)};
        case Function::leaky_relu:
            return {where_above<T>(x, zero, x, pmul(alpha, x)), where_above<T>(x, zero, one, alpha)};
        case Function::thresholded_relu: {
            return {where_above<T>(x, alpha, x, zero), where_above<T>(x, alpha, one, zero)};
        }
        case Function::tanh: return tanh<T>(x);
        case Function::scaled_tanh: {
            const ValueAndSlope<T> y = tanh<T>(pmul(beta, x));
            return {pmul(alpha, y.value), pmul(pmul(alpha, beta), y.slope)};
        }
        case Function::sigmoid: {
            const Fraction<Packet<T>> s = sigmoid_fraction(x);
            const Packet<T> quotient = pdiv(one, s.denominator);
            return {refined_sigmoid(s, quotient), sigmoid_slope(s, quotient)};
        }
        case Function::hard_sigmoid: return hard_sigmoid<T>(x, alpha, beta);
        case Function::elu: return elu<T>(x, alpha);
        case Function::softsign: return softsign<T>(x);
        case Function::softplus: return softplus<T>(x);
        case Function::exponential: {
            const Packet<T> y = exp_packet<T>(x);
            return {y, y};
        }
        case Function::selu: {
            const Packet<T> scale = constant<T>(1.0507009873554804934193349852946);
            const ValueAndSlope<T> y = elu<T>(x, constant<T>(1.6732632423543772848170429916717));
            return {pmul(scale, y.value), pmul(scale, y.slope)};
        }
        default: return silu<T>(x);
    }
}

// Not inlined: every general cell shares it, and the branch is the same for all of a layer.
template <class T>
__attribute__((noinline)) ValueAndSlope<T> evaluate(const Activation& activation, const Packet<T>& x) {
    const ValueAndSlope<T> at = evaluate_number<T>(activation, x);
    const Packet<T> is_number = Eigen::internal::pcmp_eq(x, x);
    return {Eigen::internal::pselect(is_number, at.value, x), Eigen::internal::pselect(is_number, at.slope, x)};
}

// activation(min(max(x, -clip), clip)): flat where it cuts.
template <class T>
FASTLSTM_INLINE ValueAndSlope<T> evaluate_clipped(const Activation& activation, const Packet<T>& x, double clip) {
    const Packet<T> most = constant<T>(clip), least = constant<T>(-clip);
    const ValueAndSlope<T> at = evaluate<T>(activation, at_least(at_most(x, most), least));
    return {at.value, where_above<T>(Eigen::internal::pabs(x), most, constant<T>(0), at.slope)};
}

// `slope` may be null.
template <class T>
void activate(const Activation& activation, const T* x, T* y, T* slope, Index n) {
    for (Index i = 0; i < n; i += kLanes<T>) {
        const ValueAndSlope<T> at = evaluate<T>(activation, load_first(x + i, n - i));
        store_first(y + i, at.value, n - i);
        if (slope) store_first(slope + i, at.slope, n - i);
    }
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
