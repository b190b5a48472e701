#include "stack.hpp"

#include <algorithm>

#include "pipeline.hpp"
#include "side_by_side.hpp"

namespace fastlstm {

namespace {

// Threads of a pipeline through the layers, or none if it is faster to give one layer after the other to all threads.
// A pipeline of one thread is no faster than that, but needs no memory for all steps.
template <class T>
int pipeline_threads(const std::vector<Pass<T>>& passes) {
    if (!can_be_pipelined(passes)) return 0;
    double total = 0, in_turn = 0;
    for (const Pass<T>& pass : passes) {
        const Work work = pass.work();
        total += work.total();
        in_turn += duration(work, best_split(work, num_threads()));
    }
    const int threads = total < kWorthATeam ? 1 : std::min(num_threads(), static_cast<int>(passes.size()));
    if (pipeline_duration(passes, threads) < in_turn) return threads;
    return in_turn < pipeline_duration(passes, 1) ? 0 : 1;
}

// (T, N, all directions) of a layer; points its passes to their parts of it.
template <class T>
Buffer<T> make_outputs(std::vector<Pass<T>>& layer) {
    const Schedule& schedule = *layer.front().schedule;
    Index width = 0;
    for (const Pass<T>& pass : layer) width += pass.output_size();
    Buffer<T> outputs(checked_product(schedule.steps(), schedule.rows(), width));
    Index offset = 0;
    for (Pass<T>& pass : layer) {
        pass.arrays.y = {outputs.data() + offset, schedule.rows() * width, width};
        offset += pass.output_size();
    }
    return outputs;
}

template <class T>
bool forward_layer(const std::vector<Pass<T>>& layer, const StopRequested& stop_requested) {
    if (layer.size() > 1 && worth_side_by_side(layer)) return forward_side_by_side(layer, stop_requested);
    return std::all_of(layer.begin(), layer.end(), [&](const Pass<T>& pass) { return pass.forward(stop_requested); });
}

template <class T>
bool forward_in_turn(const std::vector<Pass<T>>& passes, Index directions, const StopRequested& stop_requested) {
    Buffer<T> below;
    SequenceView<const T> x = passes.front().arrays.x;
    for (auto first = passes.begin(); first != passes.end(); first += directions) {
        std::vector<Pass<T>> layer(first, first + directions);
        for (Pass<T>& pass : layer) pass.arrays.x = x;
        Buffer<T> outputs;
        if (first + directions != passes.end()) {
            outputs = make_outputs(layer);
            const SequenceView<T>& y = layer.front().arrays.y;
            x = {y.data, y.step_stride, y.row_stride};
        }
        if (!forward_layer(layer, stop_requested)) return false;
        below = std::move(outputs);
    }
    return true;
}

}  // namespace

template <class T>
bool forward_stack(std::vector<Pass<T>> passes, Index directions, const StopRequested& stop_requested) {
    const bool layers = static_cast<Index>(passes.size()) > directions;
    const int threads = directions == 1 && layers ? pipeline_threads(passes) : 0;
    if (threads > 0) return forward_pipelined(std::move(passes), threads, stop_requested);
    return forward_in_turn(passes, directions, stop_requested);
}

template bool forward_stack(std::vector<Pass<float>>, Index, const StopRequested&);
template bool forward_stack(std::vector<Pass<double>>, Index, const StopRequested&);

}  // namespace fastlstm
