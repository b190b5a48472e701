#include "adam.hpp"

#include <cmath>

namespace fastlstm {

namespace {

// largest(k, v) gives what stands under the root.
template <class T, class Largest>
void sweep(const AdamStep<T>& step, const Largest& largest) {
    const T* __restrict w = step.w;
    const T* __restrict g = step.g;
    T* __restrict next = step.next;
    T* __restrict m = step.m;
    T* __restrict v = step.v;
    const T m_share = step.m_share, v_share = step.v_share, epsilon = step.epsilon, rate = step.rate;
    for (Index k = 0; k < step.size; ++k) {
        const T gradient = g[k];
        m[k] += (gradient - m[k]) * m_share;
        v[k] += (gradient * gradient - v[k]) * v_share;
        next[k] = w[k] - m[k] / (std::sqrt(largest(k, v[k])) + epsilon) * rate;
    }
}

}  // namespace

template <class T>
void step_adam(const AdamStep<T>& step) {
    if (!step.largest) return sweep(step, [](Index, T v) { return v; });
    T* __restrict largest = step.largest;
    sweep(step, [largest](Index k, T v) { return largest[k] = largest[k] < v || v != v ? v : largest[k]; });
}

template void step_adam<float>(const AdamStep<float>&);
template void step_adam<double>(const AdamStep<double>&);

}  // namespace fastlstm
