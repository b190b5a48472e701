// How large the gradients of the states after every step are: what comes to a state from above and from later steps.
#pragma once

#include <vector>

#include "gathered.hpp"

namespace fastlstm {

template <class T>
class GradientFlow {
public:
    // For what `arrays` asks for. The arguments are kept by reference.
    GradientFlow(const Tape<T>& tape, const BackwardArrays<T>& arrays, const Gathering<T>& gathering, int threads);

    // Whether somebody asks.
    static bool wanted(const BackwardArrays<T>& arrays) { return arrays.dh_norms || arrays.dc_norms; }
    // What is gathered next is of another tape of the same call.
    void turn_to(const Tape<T>& tape) { tape_ = &tape; }
    // Thread `rank` leaves the gradients of c at a visit, before the cell's kernel takes the carry; its share of the
    // rows and units of `args`, of which `first` is the first row and dh the gradient of the units.
    void gather_cells(int rank, const CellBackwardArgs<T>& args, Index visit, Index first, const T* dh, T* dcells);
    // Thread `rank` gives out the norms of its rows of a part.
    void add(int rank, const Chunk<T>& part) const;
    // Those of steps that are not valid are zero.
    void finish() const;

private:
    // Of one row of a general cell: the sums of o, values and slopes of o and of the activation of c, and dh/dc.
    struct Scratch {
        Buffer<T> sums, clipped, gate, gate_slope, shown, shown_slope, slope;
    };

    const T* slope_of_output(int rank, const CellBackwardArgs<T>& args, Index visit, Index first, Index row);

    const Tape<T>* tape_;
    const Weights<T>& weights_;
    const BackwardArrays<T>& arrays_;
    const Gathering<T>& gathering_;
    const int threads_;
    std::vector<Scratch> scratch_;
};

}  // namespace fastlstm
