#include "recurrent_stage.hpp"

#include <algorithm>

#include "../layers/stack.hpp"
#include "../layers/stream.hpp"
#include "complaints.hpp"

namespace fastlstm {

namespace {

class RecurrentStep : public Step {
public:
    RecurrentStep(const std::vector<SharedWeights>& weights, Index rows)
        : stream_(weights, rows), input_size_(stream_.input_size()), output_size_(stream_.output_size()) {}
    void run(const float* x, float* y) override { stream_.step_alone(x, input_size_, y, output_size_); }
    void reset() override { stream_.reset(); }

private:
    Stream<float> stream_;
    const Index input_size_, output_size_;
};

// One call through the layers.
class Call {
public:
    Call(const RecurrentLayers& layers, const Rows& x)
        : layers_(layers), x_(x), schedules_{Schedule(x.steps, x.rows, false), Schedule(x.steps, x.rows, true)} {
        for (const SharedWeights& weights : layers.weights) {
            h_.push_back(Floats(checked_product(x.rows, weights->state_size)));
            c_.push_back(Floats(checked_product(x.rows, weights->hidden_size)));
        }
    }

    // y: (N, T, both directions side by side), or (N, both) of the last states.
    void run(float* y) const {
        std::vector<Pass<float>> passes;
        const Index steps = x_.steps, width = layers_.width();
        for (std::size_t i = 0; i < h_.size(); ++i) {
            ForwardArrays<float> arrays{};
            if (i < layers_.directions) arrays.x = inputs();
            arrays.h_n = h_[i].data();
            arrays.c_n = c_[i].data();
            passes.push_back({layers_.weights[i].get(), &schedules_[i % layers_.directions], arrays});
        }
        Index offset = 0;
        for (auto last = passes.end() - static_cast<std::ptrdiff_t>(layers_.directions); last != passes.end(); ++last) {
            if (layers_.sequences) last->arrays.y = {y + offset, width, steps * width};
            offset += last->output_size();
        }
        forward_stack(std::move(passes), static_cast<Index>(layers_.directions), nullptr);
        if (!layers_.sequences) join_states(y);
    }

private:
    SequenceView<const float> inputs() const {
        const Index I = x_.size, row_stride = x_.steps * I;
        if (layers_.backwards) return {x_.data + row_stride - I, -I, row_stride};
        return {x_.data, I, row_stride};
    }

    void join_states(float* y) const {
        const std::size_t first = h_.size() - layers_.directions;
        for (Index row = 0; row < x_.rows; ++row) {
            for (std::size_t i = first; i < h_.size(); ++i) {
                const Index size = layers_.weights[i]->state_size;
                y = std::copy_n(h_[i].data() + row * size, size, y);
            }
        }
    }

    const RecurrentLayers& layers_;
    const Rows& x_;
    const Schedule schedules_[2];
    std::vector<Floats> h_, c_;
};

float merged(float forward, float backward, Merge merge) {
    if (merge == Merge::mul) return forward * backward;
    return merge == Merge::sum ? forward + backward : (forward + backward) / 2;
}

}  // namespace

Index RecurrentLayers::width() const {
    Index total = 0;
    for (std::size_t d = 1; d <= directions; ++d) total += weights[weights.size() - d]->state_size;
    return total;
}

RecurrentStage::RecurrentStage(const std::string& called, RecurrentLayers layers)
    : Stage(called, layers.weights.front()->input_size, layers.output_size()), layers_(std::move(layers)) {}

void RecurrentStage::run(const Rows& x, float* y) const {
    const Call call(layers_, x);
    if (layers_.merges_in_place()) return call.run(y);
    const Index size = output_size, count = x.rows * (keeps_time() ? x.steps : 1);
    const Floats both(checked_product(count, layers_.width()));
    call.run(both.data());
    const float* from = both.data();
    for (Index row = 0; row < count; ++row, from += 2 * size) {
        for (Index i = 0; i < size; ++i) *y++ = merged(from[i], from[size + i], layers_.merge);
    }
}

std::unique_ptr<Step> RecurrentStage::step(Index rows) const {
    if (layers_.directions == 1 && !layers_.backwards) return std::make_unique<RecurrentStep>(layers_.weights, rows);
    throw NotSupported(name + " must read the first step first to be streamed, got a layer that reads backwards");
}

void add_recurrent(Network& network, const std::string& name, RecurrentLayers layers) {
    auto stage = std::make_unique<RecurrentStage>(name, std::move(layers));
    const auto* below = dynamic_cast<const RecurrentStage*>(network.last());
    const bool joined = below && below->layers().goes_on() && stage->layers().directions == 1 &&
                        !stage->layers().backwards && below->output_size == stage->input_size;
    if (!joined) return network.add(std::move(stage));
    RecurrentLayers both = stage->layers();
    both.weights.insert(both.weights.begin(), below->layers().weights.begin(), below->layers().weights.end());
    const std::string names = below->name + ", " + name;
    network.replace_last(std::make_unique<RecurrentStage>(names, std::move(both)));
}

}  // namespace fastlstm
