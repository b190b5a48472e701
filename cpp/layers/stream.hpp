// One time step at a time: a stack of layers with states of its own, over weights it shares.
#pragma once

#include <memory>
#include <vector>

#include "thread_pool.hpp"
#include "weights.hpp"

namespace fastlstm {

// Steps allocate nothing. Its bits are those of the whole sequence. One thread at a time.
template <class T>
class Stream {
public:
    // Layer k + 1 takes the hidden state of layer k; `rows` independent sequences side by side.
    Stream(std::vector<std::shared_ptr<const Weights<T>>> layers, Index rows);

    // A stream for one step of several streams of one row each, which share their weights; row k has the state of the
    // k-th of them.
    static Stream gathered(const std::vector<Stream*>& streams);
    // Gives every row's state back to its stream.
    void scatter(const std::vector<Stream*>& streams) const;

    Index rows() const { return rows_; }
    bool shares_weights(const Stream& other) const;
    Index layers() const { return static_cast<Index>(layers_.size()); }
    Index input_size() const { return layers_.front().weights->input_size; }
    Index hidden_size(Index layer) const { return at(layer).weights->hidden_size; }
    Index state_size(Index layer) const { return at(layer).weights->state_size; }
    Index output_size() const { return state_size(layers() - 1); }
    bool has_cell_state(Index layer) const { return static_cast<bool>(at(layer).c); }
    // Multiply-adds of a step.
    Index work() const;

    // x: rows of input_size numbers, `x_stride` apart; y: rows of output_size numbers, written, `y_stride` apart.
    void step(const T* x, Index x_stride, T* y, Index y_stride);
    // The same on the calling thread, whatever the work: no lock, no call of the system.
    void step_alone(const T* x, Index x_stride, T* y, Index y_stride);

    // States of a layer, N x state_size and N x hidden_size numbers; c only where the layer has one.
    void read_state(Index layer, T* h, T* c) const;
    void write_state(Index layer, const T* h, const T* c);
    void reset();

private:
    struct Layer {
        std::shared_ptr<const Weights<T>> weights;
        Buffer<T> h[2];     // written in turn
        Buffer<T> c;        // LSTM
        Buffer<T> h_reset;  // GRU with the reset gate before the product
        Buffer<T> kept;     // general cells: the sums
        Buffer<T> units;    // before a projection
        Buffer<T> z;        // where the kernel does not project the inputs itself
        // Pointers to the rows of these buffers, and of the inputs: the caller's, or the h of the layer below.
        std::vector<T*> h_rows[2], z_rows;
        std::vector<const T*> unit_rows;
        const T* const* x_rows[2];
    };

    // The caller's rows of a step.
    struct Ends {
        const T* x;
        Index x_stride;
        T* y;
        Index y_stride;
    };

    // A thread's part in a layer: memory for the left rows of its products, what it takes of the columns in a team of
    // some size, and arguments of the kernels in even and odd steps.
    struct Part {
        RoundedRows<T> rounded, rounded_x;
        int team = 0;
        Range gates, recurrent, units, states;
        const Cell<T>* cell;
        CellForwardArgs<T> args[2];

        void take_ranges(int size, int rank, const Weights<T>& weights);
    };

    std::vector<Part> make_parts();
    CellForwardArgs<T> arguments(const Layer& layer, const Part& part, bool odd) const;
    template <class Barrier>
    void step_as(int rank, int size, const Ends& ends, const Barrier& barrier);
    template <class Barrier>
    void step_layer(Layer& layer, Part& part, bool odd, const Barrier& barrier);
    void copy_projected(T* y, Index y_stride) const;

    void copy_row(Index row, const Stream& to, Index to_row) const;

    const Layer& at(Index layer) const { return layers_[static_cast<std::size_t>(layer)]; }
    const Buffer<T>& h_now(const Layer& layer) const { return layer.h[odd_]; }

    Index rows_;
    bool odd_ = false;  // the number of steps so far
    std::vector<Layer> layers_;
    std::vector<std::vector<Part>> parts_;  // of every thread, one a layer
    std::vector<const T*> x_rows_;          // the caller's, of the step that is taken
    std::vector<T*> y_rows_;
};

}  // namespace fastlstm
