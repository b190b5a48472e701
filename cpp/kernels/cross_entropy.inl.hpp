// Cross-entropy of labels y with the softmax p of z, of rows, and its slope by z (log p: softmax.inl.hpp):
//
//   loss = -sum y log p,   dloss/dz = p sum y - y
//
// Bounds asserted by tests/test_cross_entropy.py.
#pragma once

#include "softmax.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

// Takes log p in `slope`, and writes the slope there; returns the loss.
template <class T>
FASTLSTM_APART T cross_entropy_row(const T* y, const T* p, T* slope, Index classes) {
    Packet<T> labels = pset1<Packet<T>>(T(0)), products = labels;
    for (Index i = 0; i < classes; i += kLanes<T>) {
        const Packet<T> label = load_first(y + i, classes - i);
        labels = padd(labels, label);
        products = pmadd(label, load_first(slope + i, classes - i), products);
    }
    const Packet<T> all = pset1<Packet<T>>(Eigen::internal::predux(labels));
    for (Index i = 0; i < classes; i += kLanes<T>) {
        const Index remaining = classes - i;
        store_first(slope + i, psub(pmul(load_first(p + i, remaining), all), load_first(y + i, remaining)), remaining);
    }
    return -Eigen::internal::predux(products);
}

template <class T>
void softmax_cross_entropy(const CrossEntropyArgs<T>& args) {
    for (Index row = 0; row < args.rows; ++row) {
        const Index at = row * args.classes;
        softmax_row(args.z + at, args.p + at, args.slope + at, args.classes);
        args.loss[row] = cross_entropy_row(args.y + at, args.p + at, args.slope + at, args.classes);
    }
}

}  // namespace
}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
