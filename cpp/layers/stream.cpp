#include "stream.hpp"

#include <algorithm>
#include <utility>

#include "float_mode.hpp"

namespace fastlstm {

template <class T>
Stream<T>::Stream(std::vector<std::shared_ptr<const Weights<T>>> layers, Index rows)
    : rows_(rows),
      x_rows_(static_cast<std::size_t>(rows)),
      y_rows_(static_cast<std::size_t>(rows)),
      state_rows_(static_cast<std::size_t>(rows)) {
    for (auto& weights : layers) {
        const Layout& gates = weights->gates;
        const Index units = checked_product(rows, weights->units.columns());
        Layer layer;
        for (Buffer<T>& h : layer.h) h = Buffer<T>::zeroed(checked_product(rows, weights->states.columns()));
        if (fastlstm::has_cell_state(weights->kind)) layer.c = Buffer<T>::zeroed(units);
        if (resets_before(weights->kind)) layer.h_reset = Buffer<T>(units);
        if (weights->general) layer.kept = Buffer<T>(checked_product(units, kept_slots(weights->kind, true)));
        if (weights->projected()) {
            layer.units = Buffer<T>(units);
            for (Index row = 0; row < rows; ++row) {
                layer.unit_rows.push_back(layer.units.data() + row * weights->units.columns());
            }
        }
        if (weights->general || !fuses_projection(weights->kind)) {
            layer.z = Buffer<T>(checked_product(rows, gates.columns()));
        }
        for (Index row = 0; layer.z && row < rows; ++row)
            layer.z_rows.push_back(layer.z.data() + row * gates.columns());
        layer.weights = std::move(weights);
        layers_.push_back(std::move(layer));
    }
}

template <class T>
Index Stream<T>::work() const {
    Index total = 0;
    for (const Layer& layer : layers_) {
        const Weights<T>& w = *layer.weights;
        total += rows_ * w.gates.columns() * (w.input_size + w.state_size);
    }
    return total;
}

template <class T>
void Stream<T>::step(const T* x, Index x_stride, T* y, Index y_stride) {
    const Ends ends{x, x_stride, y, y_stride};
    TeamLease lease(static_cast<double>(work()) < kWorthATeam ? 1 : num_threads());
    lease.run([this, &ends](int rank, Team& team) {
        const FlushSubnormals mode;
        for (Layer& layer : layers_) {
            if (rank == 0) begin(layer, ends);
            team.meet();
            step_layer(layer, ends, rank, team);
        }
    });
}

// The rows that a layer reads and writes, by one thread for all.
template <class T>
void Stream<T>::begin(Layer& layer, const Ends& ends) {
    const bool first = &layer == &layers_.front();
    const Layer& below = first ? layer : *(&layer - 1);
    const T* x = first ? ends.x : below.h[0].data();
    const Index x_stride = first ? ends.x_stride : below.weights->states.columns();
    for (Index row = 0; row < rows_; ++row) {
        const auto at = static_cast<std::size_t>(row);
        x_rows_[at] = x + row * x_stride;
        y_rows_[at] = ends.y + row * ends.y_stride;
        state_rows_[at] = layer.h[1].data() + row * layer.weights->states.columns();
    }
    // the sweep goes back where the one before ended, whose last weights are still in the cache
    layer.descending = !layer.descending;
    std::swap(layer.h[0], layer.h[1]);
}

// The share of a thread: groups of units, whose weights stay in its own cache.
template <class T>
void Stream<T>::step_layer(Layer& layer, const Ends& ends, int rank, Team& team) {
    const Weights<T>& weights = *layer.weights;
    const Kernels<T>& kernels = kernels_of<T>(weights.table);
    const bool last = &layer == &layers_.back();
    CellForwardArgs<T> args{};
    args.rows = rows_;
    args.hidden_size = weights.hidden_size;
    args.state_size = weights.state_size;
    args.descending = layer.descending;
    args.packed_hh = weights.packed_hh();
    args.packed_candidate = weights.packed_candidate();
    args.h_reset = layer.h_reset.data();
    args.recurrent_bias = weights.recurrent_bias();
    args.h_prev = layer.h[1].data();
    args.h = layer.units ? layer.units.data() : layer.h[0].data();
    args.c_prev = args.c = layer.c.data();
    args.y = last && !layer.units ? y_rows_.data() : nullptr;
    args.kept = layer.kept.data();
    args.options = &weights.options;
    args.peepholes = weights.peepholes();
    project(layer, args, rank, team);
    const auto run = [&](auto phase, const Layout& columns) {
        const Share groups = share_of(columns.groups(), rank, team.size());
        args.group_begin = groups.begin;
        args.group_end = groups.end;
        phase(args);
        team.meet();
    };
    const auto& phases = cell_kernels(kernels, weights.kind, weights.general).forward;
    run(phases[0], weights.recurrent);
    if (phases[1]) run(phases[1], weights.units);
    if (!layer.units) return;
    project_states(layer, rank, team);
    for (Index row = 0; last && rank == 0 && row < rows_; ++row) {
        std::copy_n(state_rows_[static_cast<std::size_t>(row)], weights.state_size, ends.y + row * ends.y_stride);
    }
}

// What a step's sums begin with: the inputs for the kernel to project, or z = bias + x W.
template <class T>
void Stream<T>::project(const Layer& layer, CellForwardArgs<T>& args, int rank, Team& team) {
    const Weights<T>& weights = *layer.weights;
    args.input_size = weights.input_size;
    args.packed_ih = weights.packed_ih();
    args.bias = weights.bias();
    if (!layer.z) {
        args.x = x_rows_.data();
        return;
    }
    args.z = layer.z.data();
    const Share groups = share_of(weights.gates.groups(), rank, team.size());
    kernels_of<T>(weights.table)
        .product({x_rows_.data(), rows_, args.input_size, args.input_size, 0, args.packed_ih, args.bias, groups.begin,
                  groups.end, layer.z_rows.data(), weights.gates.columns()});
    team.meet();
}

// h = units · W_hr^T
template <class T>
void Stream<T>::project_states(const Layer& layer, int rank, Team& team) {
    const Weights<T>& weights = *layer.weights;
    const Index H = weights.hidden_size;
    const Share groups = share_of(weights.states.groups(), rank, team.size());
    kernels_of<T>(weights.table)
        .product({layer.unit_rows.data(), rows_, H, H, 0, weights.packed_projection(), nullptr, groups.begin,
                  groups.end, state_rows_.data(), weights.states.columns()});
    team.meet();
}

template <class T>
void Stream<T>::read_state(Index layer, T* h, T* c) const {
    const Layer& from = at(layer);
    const Weights<T>& w = *from.weights;
    for (Index row = 0; row < rows_; ++row) {
        std::copy_n(from.h[0].data() + row * w.states.columns(), w.state_size, h + row * w.state_size);
        if (from.c) std::copy_n(from.c.data() + row * w.units.columns(), w.hidden_size, c + row * w.hidden_size);
    }
}

template <class T>
void Stream<T>::write_state(Index layer, const T* h, const T* c) {
    const Layer& to = at(layer);
    const Weights<T>& w = *to.weights;
    for (Index row = 0; row < rows_; ++row) {
        std::copy_n(h + row * w.state_size, w.state_size, to.h[0].data() + row * w.states.columns());
        if (to.c) std::copy_n(c + row * w.hidden_size, w.hidden_size, to.c.data() + row * w.units.columns());
    }
}

template <class T>
void Stream<T>::reset() {
    for (Layer& layer : layers_) {
        std::fill_n(layer.h[0].data(), layer.h[0].size(), T(0));
        if (layer.c) std::fill_n(layer.c.data(), layer.c.size(), T(0));
    }
}

template <class T>
bool Stream<T>::shares_weights(const Stream& other) const {
    return std::equal(layers_.begin(), layers_.end(), other.layers_.begin(), other.layers_.end(),
                      [](const Layer& a, const Layer& b) { return a.weights == b.weights; });
}

template <class T>
void Stream<T>::copy_row(const Layer& from, Index from_row, const Layer& to, Index to_row) {
    const auto copy = [&](const Buffer<T>& source, const Buffer<T>& target, Index pitch) {
        std::copy_n(source.data() + from_row * pitch, pitch, target.data() + to_row * pitch);
    };
    copy(from.h[0], to.h[0], from.weights->states.columns());
    if (from.c) copy(from.c, to.c, from.weights->units.columns());
}

template <class T>
Stream<T> Stream<T>::gathered(const std::vector<Stream*>& streams) {
    std::vector<std::shared_ptr<const Weights<T>>> weights;
    for (const Layer& layer : streams.front()->layers_) weights.push_back(layer.weights);
    Stream batch(std::move(weights), static_cast<Index>(streams.size()));
    for (std::size_t layer = 0; layer < batch.layers_.size(); ++layer) {
        for (Index row = 0; row < batch.rows_; ++row) {
            copy_row(streams[static_cast<std::size_t>(row)]->layers_[layer], 0, batch.layers_[layer], row);
        }
    }
    return batch;
}

template <class T>
void Stream<T>::scatter(const std::vector<Stream*>& streams) const {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        for (Index row = 0; row < rows_; ++row) {
            copy_row(layers_[layer], row, streams[static_cast<std::size_t>(row)]->layers_[layer], 0);
        }
    }
}

template class Stream<float>;
template class Stream<double>;

}  // namespace fastlstm
