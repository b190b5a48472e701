#include "packing.hpp"

namespace fastlstm {

template <class T>
Buffer<T> pack(const Kernels<T>& kernels, const Layout& layout, Index k_total, const MatrixView<const T>& weight) {
    auto packed = Buffer<T>::zeroed(checked_product(layout.columns(), k_total));
    for (Index vector = 0; vector < layout.vectors(); ++vector) {
        const Index lanes = layout.real_lanes(vector);
        const T* source = &weight(layout.column(vector), 0);
        Index k = 0;
        if (weight.column_stride == 1 && lanes == layout.lanes) {
            for (; k + lanes <= k_total; k += lanes) {
                T* out = packed.data() + layout.packed_offset(k_total, k, vector);
                const Index pitch = layout.packed_offset(k_total, k + 1, vector) - (out - packed.data());
                kernels.transpose(source + k, weight.row_stride, out, pitch);
            }
        }
        for (; k < k_total; ++k) {
            T* out = packed.data() + layout.packed_offset(k_total, k, vector);
            const T* in = source + k * weight.column_stride;
            for (Index l = 0; l < lanes; ++l) out[l] = in[l * weight.row_stride];
        }
    }
    return packed;
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

template Buffer<float> pack(const Kernels<float>&, const Layout&, Index, const MatrixView<const float>&);
template Buffer<double> pack(const Kernels<double>&, const Layout&, Index, const MatrixView<const double>&);
template void add_bias(const Buffer<float>&, const Layout&, const float*, Index);
template void add_bias(const Buffer<double>&, const Layout&, const double*, Index);

}  // namespace fastlstm
