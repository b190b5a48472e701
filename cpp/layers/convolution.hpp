// y[w] = b + the sum over taps of (the step of x under the tap) K[tap], for every window w of some sequences: products
// whose left rows are windows of x, which overlap in memory.
#pragma once

#include <vector>

#include "interruption.hpp"
#include "packing.hpp"
#include "windows.hpp"

namespace fastlstm {

// Sizes of a kernel (taps, inputs / groups, outputs). Group g of the outputs sees group g of the inputs alone.
struct KernelSizes {
    Index taps, inputs, outputs, groups;

    Index group_inputs() const { return inputs / groups; }
    Index group_outputs() const { return outputs / groups; }
    Index depth() const { return checked_product(taps, group_inputs()); }  // of the sums
};

// Kernel and bias packed once.
template <class T>
class Convolution {
public:
    // kernel: in C order; bias: as many numbers as outputs, or null
    Convolution(const Kernels<T>& packed_for, const KernelSizes& kernel_sizes, const T* kernel, const T* bias);

    const Kernels<T>& kernels;
    const KernelSizes sizes;

    // y: (N, windows, outputs), written; false: it was stopped before all was.
    bool apply(const Sequences<T>& x, const Windows& windows, const SequenceView<T>& y,
               StopRequested stop_requested = {}) const;

private:
    void apply_some(const WindowRows<T>& rows, const Windows& windows, Index begin, Index end,
                    const SequenceView<T>& y) const;

    const Layout outputs_;  // of a group
    std::vector<PackedMatrix<T>> packed_;
    std::vector<Buffer<T>> bias_;
};

// Gradients of a kernel (in C order) and, unless it is null, of a bias, from those of y. False: it was stopped before.
template <class T>
struct ConvolutionGradients {
    T* kernel;
    T* bias;
};

template <class T>
bool convolution_backward(const Kernels<T>& kernels, const KernelSizes& sizes, const Sequences<T>& x,
                          const Windows& windows, const SequenceView<const T>& dy,
                          const ConvolutionGradients<T>& gradients, StopRequested stop_requested = {});

}  // namespace fastlstm
