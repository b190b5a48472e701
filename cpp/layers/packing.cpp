#include "packing.hpp"

namespace fastlstm {

template <class T>
Buffer<T> pack(const Layout& layout, Index k_total, const MatrixView<const T>& weight) {
    auto packed = Buffer<T>::zeroed(checked_product(layout.columns(), k_total));
    for (Index vector = 0; vector < layout.vectors(); ++vector) {
        const Index lanes = layout.real_lanes(vector);
        const T* source = &weight(layout.column(vector), 0);
        for (Index k = 0; k < k_total; ++k) {
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

template Buffer<float> pack(const Layout&, Index, const MatrixView<const float>&);
template Buffer<double> pack(const Layout&, Index, const MatrixView<const double>&);
template void add_bias(const Buffer<float>&, const Layout&, const float*, Index);
template void add_bias(const Buffer<double>&, const Layout&, const double*, Index);

}  // namespace fastlstm
