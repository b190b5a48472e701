#include "weights.hpp"

namespace fastlstm {

template <class T>
Weights<T>::Weights(const KernelTable& packed_for, CellKind cell, Index inputs_per_step, Index hidden_units,
                    MatrixView<const T> weight_ih, MatrixView<const T> weight_hh, const T* bias)
    : table(packed_for),
      kind(cell),
      input_size(inputs_per_step),
      hidden_size(hidden_units),
      gates{gate_count(kind), hidden_size, kernels_of<T>(table).lanes},
      units{1, hidden_size, kernels_of<T>(table).lanes},
      inputs{1, input_size, kernels_of<T>(table).lanes},
      packed_hh_(pack(gates, hidden_size, weight_hh)),
      packed_ih_(pack(gates, input_size, weight_ih)),
      bias_(pack_bias(gates, bias)) {}

// Left rows run over the gate columns as the group buffer has them (vector by vector, padding included), right columns
// over `columns`: out[vector * W + lane][column] = packed[column][vector][lane].
template <class T>
Buffer<T> Weights<T>::transposed(const Buffer<T>& packed, const Layout& columns) const {
    const Index lanes = gates.lanes, k_total = gates.columns(), size = columns.size;
    auto out = Buffer<T>::zeroed(checked_product(columns.columns(), k_total));
    for (Index to = 0; to < columns.vectors(); ++to) {
        const Index first = to * lanes, count = columns.real_lanes(to);
        for (Index from = 0; from < gates.vectors(); ++from) {
            const T* source = packed.data() + gates.packed_offset(size, first, from);
            const Index source_step = gates.packed_offset(size, 1, from) - gates.packed_offset(size, 0, from);
            T* target = out.data() + columns.packed_offset(k_total, from * lanes, to);
            const Index target_step = columns.packed_offset(k_total, 1, to) - columns.packed_offset(k_total, 0, to);
            if (count == lanes) {
                kernels_of<T>(table).transpose(source, source_step, target, target_step);
                continue;
            }
            for (Index lane = 0; lane < lanes; ++lane) {
                for (Index c = 0; c < count; ++c) target[lane * target_step + c] = source[c * source_step + lane];
            }
        }
    }
    return out;
}

template <class T>
const T* Weights<T>::packed_ih_transposed() const {
    const std::lock_guard<std::mutex> lock(transposing_);
    if (!packed_ih_transposed_) packed_ih_transposed_ = transposed(packed_ih_, inputs);
    return packed_ih_transposed_.data();
}

template <class T>
const T* Weights<T>::packed_hh_transposed() const {
    const std::lock_guard<std::mutex> lock(transposing_);
    if (!packed_hh_transposed_) packed_hh_transposed_ = transposed(packed_hh_, units);
    return packed_hh_transposed_.data();
}

template <class T>
Index Weights<T>::bytes() const {
    const std::lock_guard<std::mutex> lock(transposing_);
    return static_cast<Index>(sizeof(T)) * (packed_ih_.size() + packed_hh_.size() + bias_.size() +
                                            packed_ih_transposed_.size() + packed_hh_transposed_.size());
}

template class Weights<float>;
template class Weights<double>;

}  // namespace fastlstm
