// The gradients of a layer's weights and biases: sums over all steps, which the threads share out by their columns.
#pragma once

#include <vector>

#include "gathered.hpp"

namespace fastlstm {

template <class T>
class WeightGradients {
public:
    // For what `arrays` asks for. The arguments are kept by reference.
    WeightGradients(const Tape<T>& tape, const BackwardArrays<T>& arrays, const Gathering<T>& gathering, int threads);

    // What is added next is on another tape of the same call.
    void turn_to(const Tape<T>& tape) { tape_ = &tape; }
    // Thread `rank` adds a part to its columns of every sum.
    void add(int rank, const Chunk<T>& part);
    // Thread `rank` gives out what it has summed up.
    void store(int rank) const;
    // Gives out the rest, after all threads.
    void finish() const;

private:
    using Pointers = std::vector<const T*>;
    struct Scratch {
        Pointers rows;
        Buffer<T> masked;  // rows times a gate's mask
        RoundedRows<T> rounded;
    };

    Buffer<T> make_sums(Index rows, Index columns) const;
    void make_recurrent_sums();
    bool adds(const Chunk<T>& part) const { return part.end < tape_->schedule.visits(); }

    void add_recurrent(int rank, const Chunk<T>& part);
    void mask_rows(int rank, const Chunk<T>& part, Index gate);
    void add_projection(int rank, const Chunk<T>& part);
    void add_peepholes(int rank, const Chunk<T>& part);
    void add_peephole_products(const Chunk<T>& part, Index visit, Index row, Index number, Index block, T* sums) const;
    void add_products(int rank, const Chunk<T>& part, const Slots& slots, const Layout& layout, Index size,
                      const Buffer<T>& to, const Buffer<T>& sums);

    void store_columns(int rank, Index count, const Buffer<T>& sums, const Layout& layout, Index rows,
                       const MatrixView<T>& to) const;
    void store_vectors(const Buffer<T>& sums, const Layout& layout, Index rows, const MatrixView<T>& to,
                       const Range& vectors) const;
    Index store_blocks(const Buffer<T>& sums, const Layout& layout, Index rows, const MatrixView<T>& to,
                       Index vector) const;

    Pointers& rows(int rank) { return scratch_[static_cast<std::size_t>(rank)].rows; }

    const Tape<T>* tape_;
    const Weights<T>& weights_;
    const BackwardArrays<T>& arrays_;
    const Gathering<T>& gathering_;
    const int threads_;
    const Kernels<T>& kernels_;
    Buffer<T> dweight_ih_, dweight_hh_, dbias_;
    Buffer<T> drecurrent_bias_;   // where it differs from dbias
    Buffer<T> dgate_hh_[kGroup];  // of the gates whose left operand is their own (see make_recurrent_sums)
    Buffer<T> dweight_hr_, dpeepholes_;
    Buffer<T> part_dpeepholes_;  // what one part adds
    std::vector<Scratch> scratch_;
};

}  // namespace fastlstm
