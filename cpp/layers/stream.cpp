#include "stream.hpp"

#include <algorithm>
#include <utility>

#include "float_mode.hpp"
#include "visit.hpp"

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
        if (traits(weights->kind).has_cell_state) layer.c = Buffer<T>::zeroed(units);
        if (traits(weights->kind).resets_before()) layer.h_reset = Buffer<T>(units);
        if (weights->general) layer.kept = Buffer<T>(checked_product(units, traits(weights->kind).kept_slots(true)));
        if (weights->projected()) {
            layer.units = Buffer<T>(units);
            for (Index row = 0; row < rows; ++row) {
                layer.unit_rows.push_back(layer.units.data() + row * weights->units.columns());
            }
        }
        if (weights->general || !traits(weights->kind).fuses_projection) {
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
    while (rounded_.size() < static_cast<std::size_t>(lease.size())) rounded_.push_back(make_rounded());
    lease.run([this, &ends](int rank, Team& team) {
        const FlushSubnormals mode;
        for (Layer& layer : layers_) {
            if (rank == 0) begin(layer, ends);
            team.meet();
            step_layer(layer, ends, rank, team);
        }
    });
}

template <class T>
std::vector<typename Stream<T>::Rounded> Stream<T>::make_rounded() const {
    std::vector<Rounded> rounded;
    for (const Layer& layer : layers_) {
        const Weights<T>& weights = *layer.weights;
        rounded.push_back({rounded_states(weights, rows_), {weights.kernels, rows_, weights.input_size}});
    }
    return rounded;
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
    const bool last = &layer == &layers_.back();
    CellForwardArgs<T> args = visit_arguments(weights);
    const Rounded& rounded =
        rounded_[static_cast<std::size_t>(rank)][static_cast<std::size_t>(&layer - layers_.data())];
    args.rows = rows_;
    args.rounded = rounded.states.rounding();
    args.rounded_x = rounded.inputs.rounding();
    args.descending = layer.descending;
    args.h_reset = layer.h_reset.data();
    args.h_prev = layer.h[1].data();
    args.h = layer.units ? layer.units.data() : layer.h[0].data();
    args.c_prev = args.c = layer.c.data();
    args.y = last && !layer.units ? y_rows_.data() : nullptr;
    args.kept = layer.kept.data();
    const auto share = [&](const Layout& columns) { return share_of(columns.groups(), rank, team.size()); };
    const auto meet = [&] { team.meet(); };
    if (layer.z) {
        project_inputs(weights, x_rows_.data(), rows_, args.rounded_x, share(weights.gates), layer.z_rows.data());
        meet();
        args.z = layer.z.data();
    } else {
        args.x = x_rows_.data();
    }
    run_cell(args, weights, weights.general, share(weights.recurrent), share(weights.units), meet);
    if (!layer.units) return;
    project_units(weights, layer.unit_rows.data(), rows_, args.rounded, share(weights.states), state_rows_.data());
    meet();
    for (Index row = 0; last && rank == 0 && row < rows_; ++row) {
        std::copy_n(state_rows_[static_cast<std::size_t>(row)], weights.state_size, ends.y + row * ends.y_stride);
    }
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
