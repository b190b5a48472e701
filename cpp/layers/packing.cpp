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
Buffer<T> pack_bias(const Layout& layout, const T* bias) {
    auto packed = Buffer<T>::zeroed(layout.columns());
    if (!bias) return packed;
    for (Index vector = 0; vector < layout.vectors(); ++vector) {
        for (Index l = 0; l < layout.real_lanes(vector); ++l) {
            packed[vector * layout.lanes + l] = bias[layout.column(vector) + l];
        }
    }
    return packed;
}

template Buffer<float> pack(const Layout&, Index, const MatrixView<const float>&);
template Buffer<double> pack(const Layout&, Index, const MatrixView<const double>&);
template Buffer<float> pack_bias(const Layout&, const float*);
template Buffer<double> pack_bias(const Layout&, const double*);

}  // namespace fastlstm
