#include "convolution.hpp"

#include <algorithm>
#include <utility>

#include "float_mode.hpp"
#include "thread_pool.hpp"

namespace fastlstm {

namespace {

constexpr Index kWindowsAtATime = 96;
// Windows whose products are added to the sums of a kernel's gradient at a time: their gradients of a group of vectors
// fit the first-level cache.
constexpr Index kGatheredRows = 128;

// How the numbers of a window that go with one column of the kernel lie: in runs.
struct Runs {
    Index length, stride;
};

Runs runs_of(const KernelSizes& sizes, const Windows& windows) {
    if (sizes.groups == 1 && windows.dilation == 1) return {sizes.depth(), 0};
    return {sizes.group_inputs(), windows.dilation * sizes.inputs};
}

double work_of(const KernelSizes& sizes, Index windows) {
    return static_cast<double>(windows) * static_cast<double>(sizes.depth()) * static_cast<double>(sizes.outputs);
}

}  // namespace

template <class T>
Convolution<T>::Convolution(const Kernels<T>& packed_for, const KernelSizes& kernel_sizes, const T* kernel,
                            const T* bias)
    : kernels(packed_for), sizes(kernel_sizes), outputs_{1, kernel_sizes.group_outputs(), packed_for.lanes} {
    for (Index group = 0; group < sizes.groups; ++group) {
        const Index column = group * sizes.group_outputs();
        packed_.push_back(pack<T>(kernels, outputs_, sizes.depth(), {kernel + column, 1, sizes.outputs}));
        bias_.push_back(Buffer<T>::zeroed(outputs_.columns()));
        add_bias(bias_.back(), outputs_, bias ? bias + column : nullptr);
    }
}

template <class T>
bool Convolution<T>::apply(const Sequences<T>& x, const Windows& windows, const SequenceView<T>& y,
                           StopRequested stop_requested) const {
    const WindowRows<T> rows(x, windows);
    return parallel_for(rows.count(), work_of(sizes, rows.count()), rows.count() / kWindowsAtATime, kWindowsAtATime,
                        std::move(stop_requested), [&](Index begin, Index end) {
                            const FlushSubnormals mode;
                            apply_some(rows, windows, begin, end, y);
                        });
}

template <class T>
void Convolution<T>::apply_some(const WindowRows<T>& rows, const Windows& windows, Index begin, Index end,
                                const SequenceView<T>& y) const {
    const Runs runs = runs_of(sizes, windows);
    const T* in[kWindowsAtATime];
    T* out[kWindowsAtATime];
    for (Index group = 0; group < sizes.groups; ++group) {
        rows.point(begin, end, group * sizes.group_inputs(), in);
        T** to = out;
        for_windows(windows.count, begin, end,
                    [&](Index row, Index window) { *to++ = y.row(window, row) + group * outputs_.size; });
        const auto place = static_cast<std::size_t>(group);
        kernels.product({in,
                         end - begin,
                         sizes.depth(),
                         runs.length,
                         runs.stride,
                         {},
                         packed_[place].view(),
                         bias_[place].data(),
                         0,
                         outputs_.groups(),
                         out,
                         outputs_.size});
    }
}

namespace {

// The gradients of one group of outputs. Threads share the rows of the kernel, and add up all windows each.
template <class T>
class KernelGradient {
public:
    KernelGradient(const Kernels<T>& kernels, const KernelSizes& sizes, const WindowRows<T>& rows,
                   const Windows& windows, const SequenceView<const T>& dy, Index group)
        : kernels_(kernels),
          sizes_(sizes),
          rows_(rows),
          windows_(windows),
          dy_(dy),
          group_(group),
          outputs_{1, sizes.group_outputs(), kernels_.lanes},
          sums_(Buffer<T>::zeroed(checked_product(sizes.depth(), outputs_.columns()))),
          bias_sums_(Buffer<T>::zeroed(outputs_.columns())) {}

    void run(const ConvolutionGradients<T>& gradients, Interruption& interruption) const {
        const double work = work_of(sizes_, rows_.count()) / static_cast<double>(sizes_.groups);
        const Index wanted = work < kWorthATeam ? 1 : std::min<Index>(num_threads(), sizes_.depth());
        TeamLease lease(static_cast<int>(wanted));
        std::vector<Buffer<T>> gathered;
        gathered.reserve(static_cast<std::size_t>(lease.size()));
        for (int rank = 0; rank < lease.size(); ++rank) {
            gathered.push_back(Buffer<T>::zeroed(checked_product(outputs_.groups(), kGatheredRows, row_pitch())));
        }
        lease.run([&](int rank, Team& team) {
            const Range range = thread_range(sizes_.depth(), rank, team.size());
            add_up(range.begin, range.end, gathered[static_cast<std::size_t>(rank)],
                   [&] { return interruption.anywhere(rank); });
        });
        store(gradients);
    }

private:
    // Adds up rows [begin, end) of the kernel, and the bias with the first of them.
    template <class Stopped>
    void add_up(Index begin, Index end, const Buffer<T>& gathered, const Stopped& stopped) const {
        const FlushSubnormals mode;
        for (Index row = 0; row < rows_.count() && !stopped(); row += kGatheredRows) {
            const Index last = std::min(row + kGatheredRows, rows_.count());
            gather(row, last, gathered);
            add_windows(row, last, begin, end, gathered);
        }
    }

    void store(const ConvolutionGradients<T>& gradients) const {
        const Index column = group_ * outputs_.size;
        for (Index k = 0; k < sizes_.depth(); ++k) {
            std::copy_n(sums_.data() + k * outputs_.columns(), outputs_.size,
                        gradients.kernel + k * sizes_.outputs + column);
        }
        if (gradients.bias) std::copy_n(bias_sums_.data(), outputs_.size, gradients.bias + column);
    }

    Index row_pitch() const { return kGroup * outputs_.lanes; }

    // Brings gradients of y into a group buffer; what is behind the last column stays zero.
    void gather(Index begin, Index end, const Buffer<T>& gathered) const {
        T* first = gathered.data();
        for_windows(windows_.count, begin, end, [&](Index row, Index window) {
            const T* from = dy_.row(window, row) + group_ * outputs_.size;
            for (Index at = 0; at < outputs_.size; at += row_pitch()) {
                std::copy_n(from + at, std::min(row_pitch(), outputs_.size - at), first + at * kGatheredRows);
            }
            first += row_pitch();
        });
    }

    void add_windows(Index row, Index last, Index begin, Index end, const Buffer<T>& gathered) const {
        const Runs runs = runs_of(sizes_, windows_);
        const T* in[kGatheredRows];
        for (Index k = begin; k < end;) {
            const Index run = k / runs.length, first = k % runs.length;
            const Index count = std::min(runs.length - first, end - k);
            rows_.point(row, last, group_ * sizes_.group_inputs() + run * runs.stride, in);
            kernels_.outer({in,
                            last - row,
                            first,
                            first + count,
                            gathered.data(),
                            row_pitch(),
                            kGatheredRows * row_pitch(),
                            0,
                            outputs_.groups(),
                            kGroup,
                            outputs_.vectors(),
                            sums_.data() + run * runs.length * outputs_.columns(),
                            k == 0 ? bias_sums_.data() : nullptr,
                            true,
                            {}});
            k += count;
        }
    }

    const Kernels<T>& kernels_;
    const KernelSizes& sizes_;
    const WindowRows<T>& rows_;
    const Windows& windows_;
    const SequenceView<const T>& dy_;
    const Index group_;
    const Layout outputs_;
    const Buffer<T> sums_, bias_sums_;
};

}  // namespace

template <class T>
bool convolution_backward(const Kernels<T>& kernels, const KernelSizes& sizes, const Sequences<T>& x,
                          const Windows& windows, const SequenceView<const T>& dy,
                          const ConvolutionGradients<T>& gradients, StopRequested stop_requested) {
    Interruption interruption(std::move(stop_requested));
    const WindowRows<T> rows(x, windows);
    for (Index group = 0; group < sizes.groups && !interruption.stopped(); ++group) {
        KernelGradient<T>(kernels, sizes, rows, windows, dy, group).run(gradients, interruption);
    }
    return !interruption.stopped();
}

template class Convolution<float>;
template class Convolution<double>;
template bool convolution_backward(const Kernels<float>&, const KernelSizes&, const Sequences<float>&, const Windows&,
                                   const SequenceView<const float>&, const ConvolutionGradients<float>&, StopRequested);
template bool convolution_backward(const Kernels<double>&, const KernelSizes&, const Sequences<double>&, const Windows&,
                                   const SequenceView<const double>&, const ConvolutionGradients<double>&,
                                   StopRequested);

}  // namespace fastlstm
