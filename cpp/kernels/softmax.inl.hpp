// Softmax of rows, and its logarithm:
//
//   m = max z,   e = exp(z - m),   s = sum e,   p = e / s,   log p = (z - m) - log s
//
// A row with a NaN, with +infinity or of nothing but -infinity is NaN throughout. Bounds asserted by
// tests/test_softmax.py.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "activations.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// The last numbers of a row, fewer than a packet has; the other lanes add nothing to a sum of powers.
template <class T>
FASTLSTM_INLINE Packet<T> load_end(const T* z, Index n) {
    alignas(64) T lanes[kLanes<T>];
    std::fill_n(lanes, kLanes<T>, -std::numeric_limits<T>::infinity());
    for (Index l = 0; l < n; ++l) lanes[l] = z[l];
    return pload<Packet<T>>(lanes);
}

// `p` may be `z` where no logarithms are wanted: `log_p` is null then.
template <class T>
FASTLSTM_APART void softmax_row(const T* z, T* p, T* log_p, Index classes) {
    const Index tail = classes % kLanes<T>, whole = classes - tail;
    const Packet<T> end = load_end(z + whole, tail);
    Packet<T> largest = end;
    for (Index i = 0; i < whole; i += kLanes<T>) largest = at_least(ploadu<Packet<T>>(z + i), largest);
    const Packet<T> m = pset1<Packet<T>>(Eigen::internal::predux_max(largest));
    const Packet<T> end_power = exp_clamped(psub(end, m));
    Packet<T> sum = end_power;
    for (Index i = 0; i < whole; i += kLanes<T>) {
        const Packet<T> power = exp_clamped(psub(ploadu<Packet<T>>(z + i), m));
        pstoreu(p + i, power);
        sum = padd(sum, power);
    }
    const T total = Eigen::internal::predux(sum);
    const Packet<T> s = pset1<Packet<T>>(total);
    for (Index i = 0; i < whole; i += kLanes<T>) pstoreu(p + i, pdiv(ploadu<Packet<T>>(p + i), s));
    store_first(p + whole, pdiv(end_power, s), tail);
    if (!log_p) return;
    const Packet<T> log_s = pset1<Packet<T>>(std::log(total));
    for (Index i = 0; i < whole; i += kLanes<T>) pstoreu(log_p + i, psub(psub(ploadu<Packet<T>>(z + i), m), log_s));
    store_first(log_p + whole, psub(psub(end, m), log_s), tail);
}

template <class T>
void softmax(const SoftmaxArgs<T>& args) {
    for (Index row = 0; row < args.rows; ++row) {
        const Index at = row * args.classes;
        softmax_row(args.z + at, args.p + at, args.log_p ? args.log_p + at : nullptr, args.classes);
    }
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
