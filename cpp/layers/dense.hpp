// y = x K + b with K and b packed once: the same kernels, and the same promise about a row's bits, as the recurrent
// layers.
#pragma once

#include "packing.hpp"

namespace fastlstm {

template <class T>
class Dense {
public:
    // kernel (outputs, inputs); bias: as many numbers as outputs, or null
    Dense(const Kernels<T>& packed_for, Index inputs, Index outputs, MatrixView<const T> kernel, const T* bias);

    const Kernels<T>& kernels;
    const Index input_size;
    const Layout outputs;

    // x: rows of input_size numbers, `x_stride` apart; y: rows of outputs.size numbers, one after the other, written.
    void apply(const T* x, Index x_stride, Index rows, T* y) const;

    // The same on the calling thread, without allocating: with memory that was made for as many rows.
    RoundedRows<T> rounded_rows(Index rows) const;
    void apply_alone(const T* x, Index x_stride, Index rows, const RoundedRows<T>& rounded, T* y) const;

private:
    void apply_some(const T* x, Index x_stride, Index rows, const Rounding& rounded, T* y) const;

    PackedMatrix<T> packed_;
    Buffer<T> bias_;
};

}  // namespace fastlstm
