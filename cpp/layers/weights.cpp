#include "weights.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "thread_pool.hpp"

namespace fastlstm {

template <class T>
Weights<T>::Weights(const Kernels<T>& packed_for, const CellParameters<T>& parameters)
    : kernels(packed_for),
      kind(parameters.kind),
      options(parameters.options.value_or(standard_options(kind))),
      general(parameters.peepholes || !is_standard(options, kind)),
      input_size(parameters.input_size),
      hidden_size(parameters.hidden_size),
      state_size(parameters.state_size),
      gates{traits(kind).gates, hidden_size, kernels.lanes, kGroup, traits(kind).first_input_gate},
      recurrent{traits(kind).recurrent_gates, hidden_size, kernels.lanes, traits(kind).recurrent_group},
      units{1, hidden_size, kernels.lanes},
      states{1, state_size, kernels.lanes},
      inputs{1, input_size, kernels.lanes},
      packed_hh_(pack(kernels, recurrent, state_size, parameters.weight_hh)),
      packed_ih_(pack(kernels, gates, input_size, parameters.weight_ih)),
      bias_(Buffer<T>::zeroed(gates.columns())) {
    add_bias(bias_, gates, parameters.bias);
    const T* recurrent_bias = parameters.recurrent_bias;
    add_bias(bias_, gates, recurrent_bias, traits(kind).has_recurrent_bias ? kGruCandidate : kNoGate);
    if (traits(kind).resets_before()) {
        MatrixView<const T> weight = parameters.weight_hh;
        weight.data += kGruCandidate * hidden_size * weight.row_stride;
        packed_candidate_ = pack(kernels, units, hidden_size, weight);
    }
    if (traits(kind).has_recurrent_bias) {
        recurrent_bias_ = Buffer<T>::zeroed(units.columns());
        if (recurrent_bias) {
            std::copy_n(recurrent_bias + kGruCandidate * hidden_size, hidden_size, recurrent_bias_.data());
        }
    }
    if (parameters.weight_hr) packed_projection_ = pack(kernels, states, hidden_size, parameters.weight_hr);
    if (parameters.peepholes) {
        peepholes_ = Buffer<T>::zeroed(kPeepholes * units.columns());
        for (Index gate = 0; gate < kPeepholes; ++gate) {
            std::copy_n(parameters.peepholes + gate * hidden_size, hidden_size,
                        peepholes_.data() + gate * units.columns());
        }
    }
}

// Left rows run over the gate columns `rows` as the group buffer has them (vector by vector, padding included), or over
// those of one gate alone; right columns over `columns`: the row `vector * lanes + lane` is [.][vector][lane].
template <class T>
PackedMatrix<T> Weights<T>::transposed(const Buffer<T>& full, const Layout& rows, const Layout& columns,
                                       Index only_gate) const {
    const bool all = only_gate == kNoGate;
    const Index lanes = rows.lanes, size = columns.size;
    const Index first_vector = all ? 0 : only_gate, step = all ? 1 : rows.gates;
    const Index k_total = rows.columns() / step;
    Buffer<T> out(checked_product(columns.columns(), k_total));
    const auto transpose_vector = [&](Index to) {
        const Index first = to * lanes, count = columns.real_lanes(to);
        for (Index from = first_vector; from < rows.vectors(); from += step) {
            const T* source = full.data() + rows.packed_offset(size, first, from);
            const Index source_step = rows.packed_offset(size, 1, from) - rows.packed_offset(size, 0, from);
            T* target = out.data() + columns.packed_offset(k_total, from / step * lanes, to);
            const Index target_step = columns.packed_offset(k_total, 1, to) - columns.packed_offset(k_total, 0, to);
            if (count == lanes) {
                kernels.transpose(source, source_step, target, target_step);
                continue;
            }
            for (Index lane = 0; lane < lanes; ++lane) {
                T* to_lane = target + lane * target_step;
                for (Index c = 0; c < count; ++c) to_lane[c] = source[c * source_step + lane];
                std::fill(to_lane + count, to_lane + lanes, T(0));
            }
        }
    };
    const double work = kMovedNumber * static_cast<double>(out.size());
    parallel_for(columns.vectors(), work, columns.vectors(), [&](Index begin, Index end) {
        for (Index to = begin; to < end; ++to) transpose_vector(to);
    });
    return in_precision(kernels, columns, k_total, std::move(out));
}

template <class T>
Packed<T> Weights<T>::once(MadeOnce<T>& transpose, const PackedMatrix<T>& packed, const Layout& rows,
                           const Layout& columns, Index only_gate) const {
    if (!packed) return {};
    return transpose.get([&] {
        if (packed.full()) return transposed(packed.full(), rows, columns, only_gate);
        return transposed(in_full(kernels, rows, columns.size, packed), rows, columns, only_gate);
    });
}

template <class T>
Packed<T> Weights<T>::packed_ih_transposed() const {
    return once(packed_ih_transposed_, packed_ih_, gates, inputs);
}

template <class T>
Packed<T> Weights<T>::packed_hh_transposed() const {
    return once(packed_hh_transposed_, packed_hh_, recurrent, states);
}

template <class T>
Packed<T> Weights<T>::packed_candidate_transposed() const {
    return once(packed_candidate_transposed_, packed_candidate_, units, units);
}

template <class T>
Packed<T> Weights<T>::packed_projection_transposed() const {
    return once(packed_projection_transposed_, packed_projection_, states, units);
}

template <class T>
Packed<T> Weights<T>::packed_gate_transposed(Index gate) const {
    return once(packed_gate_transposed_[gate], packed_hh_, recurrent, states, gate);
}

template <class T>
Index Weights<T>::bytes() const {
    const Index numbers = bias_.size() + recurrent_bias_.size() + peepholes_.size();
    Index packed = 0;
    for (const PackedMatrix<T>* matrix : {&packed_ih_, &packed_hh_, &packed_candidate_, &packed_projection_}) {
        packed += matrix->bytes();
    }
    for (const MadeOnce<T>* transpose : {&packed_ih_transposed_, &packed_hh_transposed_, &packed_candidate_transposed_,
                                         &packed_projection_transposed_}) {
        packed += transpose->bytes();
    }
    for (const MadeOnce<T>& gate : packed_gate_transposed_) packed += gate.bytes();
    return packed + static_cast<Index>(sizeof(T)) * numbers;
}

template class Weights<float>;
template class Weights<double>;

}  // namespace fastlstm
