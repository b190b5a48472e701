// One layer in one direction as a part of a stack, without a tape.
#pragma once

#include "sequence.hpp"

namespace fastlstm {

template <class T>
struct Pass {
    const Weights<T>* weights;
    const Schedule* schedule;
    ForwardArrays<T> arrays;

    Work work() const { return {*schedule, *weights}; }
    Index output_size() const { return weights->state_size; }

    std::unique_ptr<Walk<T>> walk(const Split& split, StopRequested stop_requested) const {
        return make_walk<T>(*weights, *schedule, arrays, split, std::move(stop_requested));
    }
    void clear_skipped() const {
        if (arrays.y) fastlstm::clear_skipped(arrays.y, *schedule, output_size());
    }
    bool forward(const StopRequested& stop_requested) const {
        return fastlstm::forward<T>(*weights, *schedule, arrays, nullptr, stop_requested);
    }
};

}  // namespace fastlstm
