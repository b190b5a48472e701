#include "weights.hpp"

#include <algorithm>
#include <initializer_list>

namespace fastlstm {

template <class T>
Weights<T>::Weights(const KernelTable& packed_for, CellKind cell, Index inputs_per_step, Index hidden_units,
                    MatrixView<const T> weight_ih, MatrixView<const T> weight_hh, const T* bias,
                    const T* recurrent_bias)
    : table(packed_for),
      kind(cell),
      input_size(inputs_per_step),
      hidden_size(hidden_units),
      gates{gate_count(kind), hidden_size, kernels_of<T>(table).lanes, kGroup, first_input_gate(kind)},
      recurrent{recurrent_gate_count(kind), hidden_size, kernels_of<T>(table).lanes,
                kind == CellKind::gru ? 3 : kGroup},
      units{1, hidden_size, kernels_of<T>(table).lanes},
      inputs{1, input_size, kernels_of<T>(table).lanes},
      packed_hh_(pack(recurrent, hidden_size, weight_hh)),
      packed_ih_(pack(gates, input_size, weight_ih)),
      bias_(Buffer<T>::zeroed(gates.columns())) {
    add_bias(bias_, gates, bias);
    add_bias(bias_, gates, recurrent_bias, has_recurrent_bias(kind) ? kGruCandidate : kNoGate);
    if (resets_before(kind)) {
        weight_hh.data += kGruCandidate * hidden_size * weight_hh.row_stride;
        packed_candidate_ = pack(units, hidden_size, weight_hh);
    }
    if (!has_recurrent_bias(kind)) return;
    recurrent_bias_ = Buffer<T>::zeroed(units.columns());
    if (recurrent_bias) std::copy_n(recurrent_bias + kGruCandidate * hidden_size, hidden_size, recurrent_bias_.data());
}

// Left rows run over the gate columns `rows` as the group buffer has them (vector by vector, padding included), right
// columns over `columns`: out[vector * W + lane][column] = packed[column][vector][lane].
template <class T>
Buffer<T> Weights<T>::transposed(const Buffer<T>& packed, const Layout& rows, const Layout& columns) const {
    const Index lanes = rows.lanes, k_total = rows.columns(), size = columns.size;
    auto out = Buffer<T>::zeroed(checked_product(columns.columns(), k_total));
    for (Index to = 0; to < columns.vectors(); ++to) {
        const Index first = to * lanes, count = columns.real_lanes(to);
        for (Index from = 0; from < rows.vectors(); ++from) {
            const T* source = packed.data() + rows.packed_offset(size, first, from);
            const Index source_step = rows.packed_offset(size, 1, from) - rows.packed_offset(size, 0, from);
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
    if (!packed_ih_transposed_) packed_ih_transposed_ = transposed(packed_ih_, gates, inputs);
    return packed_ih_transposed_.data();
}

template <class T>
const T* Weights<T>::packed_hh_transposed() const {
    const std::lock_guard<std::mutex> lock(transposing_);
    if (!packed_hh_transposed_) packed_hh_transposed_ = transposed(packed_hh_, recurrent, units);
    return packed_hh_transposed_.data();
}

template <class T>
const T* Weights<T>::packed_candidate_transposed() const {
    const std::lock_guard<std::mutex> lock(transposing_);
    if (packed_candidate_ && !packed_candidate_transposed_) {
        packed_candidate_transposed_ = transposed(packed_candidate_, units, units);
    }
    return packed_candidate_transposed_.data();
}

template <class T>
Index Weights<T>::bytes() const {
    const std::lock_guard<std::mutex> lock(transposing_);
    const std::initializer_list<const Buffer<T>*> buffers = {&packed_ih_,
                                                             &packed_hh_,
                                                             &packed_candidate_,
                                                             &bias_,
                                                             &recurrent_bias_,
                                                             &packed_ih_transposed_,
                                                             &packed_hh_transposed_,
                                                             &packed_candidate_transposed_};
    Index numbers = 0;
    for (const Buffer<T>* buffer : buffers) numbers += buffer->size();
    return static_cast<Index>(sizeof(T)) * numbers;
}

template class Weights<float>;
template class Weights<double>;

}  // namespace fastlstm
