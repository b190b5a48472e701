#include "packing.hpp"

#include <algorithm>

#include "thread_pool.hpp"

namespace fastlstm {

namespace {

// packed[.][vector][.], padding included.
template <class T>
void pack_vector(const Kernels<T>& kernels, const Layout& layout, Index k_total, const MatrixView<const T>& weight,
                 Index vector, T* packed) {
    const Index lanes = layout.real_lanes(vector);
    const T* source = &weight(layout.column(vector), 0);
    T* out = packed + layout.packed_offset(k_total, 0, vector);
    const Index pitch = layout.packed_offset(k_total, 1, vector) - layout.packed_offset(k_total, 0, vector);
    Index k = 0;
    if (weight.column_stride == 1 && lanes == layout.lanes) {
        for (; k + lanes <= k_total; k += lanes) {
            kernels.transpose(source + k, weight.row_stride, out + k * pitch, pitch);
        }
    }
    for (; k < k_total; ++k) {
        const T* in = source + k * weight.column_stride;
        if (weight.row_stride == 1) {  // as Keras' kernels lie
            std::copy_n(in, lanes, out + k * pitch);
        } else {
            for (Index l = 0; l < lanes; ++l) out[k * pitch + l] = in[l * weight.row_stride];
        }
        std::fill(out + k * pitch + lanes, out + k * pitch + layout.lanes, T(0));
    }
}

template <class T>
Buffer<T> pack_full(const Kernels<T>& kernels, const Layout& layout, Index k_total, const MatrixView<const T>& weight) {
    Buffer<T> packed(checked_product(layout.columns(), k_total));
    const Index vectors = layout.vectors();
    const double work = kMovedNumber * static_cast<double>(packed.size());
    parallel_for(vectors, work, vectors, [&](Index begin, Index end) {
        for (Index vector = begin; vector < end; ++vector) {
            pack_vector(kernels, layout, k_total, weight, vector, packed.data());
        }
    });
    return packed;
}

// Calls f(first column, columns) for every panel of a matrix, shared out.
template <class F>
void for_panels(const Layout& layout, double work, const F& f) {
    parallel_for(layout.groups(), work, layout.groups(), [&](Index begin, Index end) {
        for (Index group = begin; group < end; ++group) {
            const Index first = group * layout.group * layout.lanes;
            f(first, std::min(layout.group * layout.lanes, layout.columns() - first));
        }
    });
}

}  // namespace

template <class T>
PackedMatrix<T> in_precision(const Kernels<T>& kernels, const Layout& layout, Index k_total, Buffer<T> full) {
    if (!kernels.reduction) return PackedMatrix<T>(std::move(full));
    const Reduction<T>& reduction = *kernels.reduction;
    Buffer<std::uint8_t> reduced(reduction.matrix_bytes(k_total, layout.columns()));
    Buffer<T> scales(reduction.largest ? layout.columns() : 0);
    for_panels(layout, kMovedNumber * static_cast<double>(full.size()), [&](Index first, Index columns) {
        reduction.pack(full.data() + first * k_total, k_total, columns,
                       reduced.data() + reduction.matrix_bytes(k_total, first), scales.data() + first);
    });
    return {std::move(reduced), std::move(scales)};
}

template <class T>
Buffer<T> in_full(const Kernels<T>& kernels, const Layout& layout, Index k_total, const PackedMatrix<T>& matrix) {
    const Reduction<T>& reduction = *kernels.reduction;
    Buffer<T> full(checked_product(layout.columns(), k_total));
    const auto* reduced = static_cast<const std::uint8_t*>(matrix.view().numbers);
    for_panels(layout, kMovedNumber * static_cast<double>(full.size()), [&](Index first, Index columns) {
        reduction.unpack(reduced + reduction.matrix_bytes(k_total, first), k_total, columns,
                         full.data() + first * k_total);
    });
    return full;
}

template <class T>
PackedMatrix<T> pack(const Kernels<T>& kernels, const Layout& layout, Index k_total,
                     const MatrixView<const T>& weight) {
    return in_precision(kernels, layout, k_total, pack_full(kernels, layout, k_total, weight));
}

template <class T>
void add_bias(const Buffer<T>& packed, const Layout& layout, const T* bias, Index without) {
    if (!bias) return;
    for (Index vector = 0; vector < layout.vectors(); ++vector) {
        if (layout.gate(vector) == without) continue;
        for (Index l = 0; l < layout.real_lanes(vector); ++l) {
            packed[vector * layout.lanes + l] += bias[layout.column(vector) + l];
        }
    }
}

template PackedMatrix<float> pack(const Kernels<float>&, const Layout&, Index, const MatrixView<const float>&);
template PackedMatrix<double> pack(const Kernels<double>&, const Layout&, Index, const MatrixView<const double>&);
template PackedMatrix<float> in_precision(const Kernels<float>&, const Layout&, Index, Buffer<float>);
template PackedMatrix<double> in_precision(const Kernels<double>&, const Layout&, Index, Buffer<double>);
template Buffer<float> in_full(const Kernels<float>&, const Layout&, Index, const PackedMatrix<float>&);
template Buffer<double> in_full(const Kernels<double>&, const Layout&, Index, const PackedMatrix<double>&);
template void add_bias(const Buffer<float>&, const Layout&, const float*, Index);
template void add_bias(const Buffer<double>&, const Layout&, const double*, Index);

}  // namespace fastlstm
