#include "stream.hpp"

#include <algorithm>
#include <utility>

#include "float_mode.hpp"
#include "visit.hpp"

namespace fastlstm {

namespace {

// Pointers to rows one after the other.
template <class To, class T>
std::vector<To*> rows_of(const Buffer<T>& buffer, Index pitch, Index rows) {
    std::vector<To*> pointers(static_cast<std::size_t>(rows));
    point_to_rows(buffer.data(), pitch, rows, pointers.data());
    return pointers;
}

}  // namespace

template <class T>
Stream<T>::Stream(std::vector<std::shared_ptr<const Weights<T>>> layers, Index rows)
    : rows_(rows), x_rows_(static_cast<std::size_t>(rows)), y_rows_(static_cast<std::size_t>(rows)) {
    for (auto& weights : layers) {
        const Index units = checked_product(rows, weights->units.columns());
        Layer layer;
        for (const bool odd : {false, true}) {
            const Index pitch = weights->states.columns();
            layer.h[odd] = Buffer<T>::zeroed(checked_product(rows, pitch));
            layer.h_rows[odd] = rows_of<T>(layer.h[odd], pitch, rows);
            layer.x_rows[odd] = layers_.empty() ? x_rows_.data() : layers_.back().h_rows[odd].data();
        }
        if (traits(weights->kind).has_cell_state) layer.c = Buffer<T>::zeroed(units);
        if (traits(weights->kind).resets_before()) layer.h_reset = Buffer<T>(units);
        if (weights->general) layer.kept = Buffer<T>(checked_product(units, traits(weights->kind).kept_slots(true)));
        if (weights->projected()) {
            layer.units = Buffer<T>(units);
            layer.unit_rows = rows_of<const T>(layer.units, weights->units.columns(), rows);
        }
        if (weights->general || !traits(weights->kind).fuses_projection) {
            layer.z = Buffer<T>(checked_product(rows, weights->gates.columns()));
            layer.z_rows = rows_of<T>(layer.z, weights->gates.columns(), rows);
        }
        layer.weights = std::move(weights);
        layers_.push_back(std::move(layer));
    }
    parts_.push_back(make_parts());
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
    while (parts_.size() < static_cast<std::size_t>(lease.size())) parts_.push_back(make_parts());
    lease.run([this, &ends](int rank, Team& team) { step_as(rank, team.size(), ends, [&team] { team.barrier(); }); });
}

template <class T>
void Stream<T>::step_alone(const T* x, Index x_stride, T* y, Index y_stride) {
    step_as(0, 1, {x, x_stride, y, y_stride}, [] {});
}

template <class T>
template <class Barrier>
void Stream<T>::step_as(int rank, int size, const Ends& ends, const Barrier& barrier) {
    const FlushSubnormals mode;
    if (rank == 0) {
        odd_ = !odd_;
        point_to_rows(ends.x, ends.x_stride, rows_, x_rows_.data());
        point_to_rows(ends.y, ends.y_stride, rows_, y_rows_.data());
    }
    barrier();
    const bool odd = odd_;  // not to be read again from where it has just been written to
    auto part = parts_[static_cast<std::size_t>(rank)].begin();
    for (Layer& layer : layers_) {
        if (part->team != size) part->take_ranges(size, rank, *layer.weights);
        step_layer(layer, *part, odd, barrier);
        ++part;
    }
    if (rank == 0 && layers_.back().units) copy_projected(ends.y, ends.y_stride);
}

template <class T>
std::vector<typename Stream<T>::Part> Stream<T>::make_parts() {
    std::vector<Part> parts;
    for (const Layer& layer : layers_) {
        const Weights<T>& weights = *layer.weights;
        Part part{};
        part.rounded = rounded_states(weights, rows_);
        part.rounded_x = RoundedRows<T>(weights.kernels, rows_, weights.input_size);
        part.cell = &cell_kernels(weights.kernels, weights.kind, weights.general);
        for (const bool odd : {false, true}) part.args[odd] = arguments(layer, part, odd);
        parts.push_back(std::move(part));
    }
    return parts;
}

// What the kernels are given in an even or odd step. A sweep goes back where the one before ended, whose last weights
// are still in the cache.
template <class T>
CellForwardArgs<T> Stream<T>::arguments(const Layer& layer, const Part& part, bool odd) const {
    CellForwardArgs<T> args = visit_arguments(*layer.weights);
    args.rows = rows_;
    args.rounded = part.rounded.rounding();
    args.rounded_x = part.rounded_x.rounding();
    args.descending = odd;
    args.h_prev = layer.h[!odd].data();
    args.h = layer.units ? layer.units.data() : layer.h[odd].data();
    args.h_reset = layer.h_reset.data();
    args.c_prev = args.c = layer.c.data();
    args.kept = layer.kept.data();
    if (layer.z) {
        args.z = layer.z.data();
    } else {
        args.x = layer.x_rows[odd];
    }
    if (&layer == &layers_.back() && !layer.units) args.y = y_rows_.data();
    return args;
}

template <class T>
void Stream<T>::Part::take_ranges(int size, int rank, const Weights<T>& weights) {
    team = size;
    gates = thread_range(weights.gates.groups(), rank, size);
    recurrent = thread_range(weights.recurrent.groups(), rank, size);
    units = thread_range(weights.units.groups(), rank, size);
    states = thread_range(weights.states.groups(), rank, size);
}

// What a thread does: groups of units, whose weights stay in its own cache.
template <class T>
template <class Barrier>
void Stream<T>::step_layer(Layer& layer, Part& part, bool odd, const Barrier& barrier) {
    if (layer.z) {
        project_inputs(*layer.weights, layer.x_rows[odd], rows_, part.rounded_x.rounding(), part.gates,
                       layer.z_rows.data());
        barrier();
    }
    run_cell(part.args[odd], *part.cell, part.recurrent, part.units, barrier);
    if (!layer.units) return;
    project_units(*layer.weights, layer.unit_rows.data(), rows_, part.rounded.rounding(), part.states,
                  layer.h_rows[odd].data());
    barrier();
}

// The kernel of the last layer writes the caller's rows, but where its output is projected.
template <class T>
void Stream<T>::copy_projected(T* y, Index y_stride) const {
    const Layer& last = layers_.back();
    for (Index row = 0; row < rows_; ++row) {
        std::copy_n(last.h_rows[odd_][static_cast<std::size_t>(row)], last.weights->state_size, y + row * y_stride);
    }
}

template <class T>
void Stream<T>::read_state(Index layer, T* h, T* c) const {
    const Layer& from = at(layer);
    const Weights<T>& w = *from.weights;
    for (Index row = 0; row < rows_; ++row) {
        std::copy_n(h_now(from).data() + row * w.states.columns(), w.state_size, h + row * w.state_size);
        if (from.c) std::copy_n(from.c.data() + row * w.units.columns(), w.hidden_size, c + row * w.hidden_size);
    }
}

template <class T>
void Stream<T>::write_state(Index layer, const T* h, const T* c) {
    const Layer& to = at(layer);
    const Weights<T>& w = *to.weights;
    for (Index row = 0; row < rows_; ++row) {
        std::copy_n(h + row * w.state_size, w.state_size, h_now(to).data() + row * w.states.columns());
        if (to.c) std::copy_n(c + row * w.hidden_size, w.hidden_size, to.c.data() + row * w.units.columns());
    }
}

template <class T>
void Stream<T>::reset() {
    for (Layer& layer : layers_) {
        std::fill_n(h_now(layer).data(), h_now(layer).size(), T(0));
        if (layer.c) std::fill_n(layer.c.data(), layer.c.size(), T(0));
    }
}

template <class T>
bool Stream<T>::shares_weights(const Stream& other) const {
    return std::equal(layers_.begin(), layers_.end(), other.layers_.begin(), other.layers_.end(),
                      [](const Layer& a, const Layer& b) { return a.weights == b.weights; });
}

// Copies the states of a row.
template <class T>
void Stream<T>::copy_row(Index row, const Stream& to, Index to_row) const {
    const auto copy = [&](const Buffer<T>& source, const Buffer<T>& target, Index pitch) {
        std::copy_n(source.data() + row * pitch, pitch, target.data() + to_row * pitch);
    };
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        const Layer &source = layers_[layer], &target = to.layers_[layer];
        copy(h_now(source), to.h_now(target), source.weights->states.columns());
        if (source.c) copy(source.c, target.c, source.weights->units.columns());
    }
}

template <class T>
Stream<T> Stream<T>::gathered(const std::vector<Stream*>& streams) {
    std::vector<std::shared_ptr<const Weights<T>>> weights;
    for (const Layer& layer : streams.front()->layers_) weights.push_back(layer.weights);
    Stream batch(std::move(weights), static_cast<Index>(streams.size()));
    for (Index row = 0; row < batch.rows_; ++row) streams[static_cast<std::size_t>(row)]->copy_row(0, batch, row);
    return batch;
}

template <class T>
void Stream<T>::scatter(const std::vector<Stream*>& streams) const {
    for (Index row = 0; row < rows_; ++row) copy_row(row, *streams[static_cast<std::size_t>(row)], 0);
}

template class Stream<float>;
template class Stream<double>;

}  // namespace fastlstm
