// A step of Adam over flat arrays.
#pragma once

#include "views.hpp"

namespace fastlstm {

template <class T>
struct AdamStep {
    const T* w;
    const T* g;
    T* next;     // the new weights
    T* m;        // read and written
    T* v;        // read and written
    T* largest;  // v where it was largest, read and written; or null
    Index size;
    T m_share, v_share;  // of what is new in m and v: 1 - beta
    T epsilon, rate;
};

// m += (g - m) m_share,  v += (g^2 - v) v_share,  next = w - m / (sqrt(v) + epsilon) rate
//
// Every operation is rounded for itself, in this order: the same bits as these lines in NumPy, in one sweep.
template <class T>
void step_adam(const AdamStep<T>& step);

}  // namespace fastlstm
