// What a model does: stages, one after the other, over whole sequences and at one time step.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../layers/buffer.hpp"
#include "../layers/views.hpp"

namespace fastlstm {

using Floats = Buffer<float>;

// N rows of T steps of `size` numbers: (N, T, size), without gaps.
struct Rows {
    const float* data;
    Index rows, steps, size;

    Index count() const { return rows * steps; }
};

// A stage at one time step, with what it keeps from step to step. It allocates nothing.
class Step {
public:
    virtual ~Step() = default;
    // x: rows of the stage's input, y: rows of its output.
    virtual void run(const float* x, float* y) = 0;
    virtual void reset() {}
};

class Stage {
public:
    Stage(std::string called, Index inputs, Index outputs)
        : name(std::move(called)), input_size(inputs), output_size(outputs) {}
    virtual ~Stage() = default;

    const std::string name;
    const Index input_size, output_size;

    // Whether the output has the time steps of the input, or is one step.
    virtual bool keeps_time() const { return true; }
    virtual void run(const Rows& x, float* y) const = 0;
    // Throws NotSupported where a layer cannot go step by step.
    virtual std::unique_ptr<Step> step(Index rows) const = 0;
};

class Network {
public:
    // Throws FileError unless the stages fit.
    void add(std::unique_ptr<Stage> stage);
    // The last stage, if there is one, which another may take the place of.
    const Stage* last() const { return stages_.empty() ? nullptr : stages_.back().get(); }

    void replace_last(std::unique_ptr<Stage> stage) { stages_.back() = std::move(stage); }

    const std::vector<std::unique_ptr<Stage>>& stages() const { return stages_; }
    Index input_size() const { return stages_.front()->input_size; }
    Index output_size() const { return stages_.back()->output_size; }
    bool keeps_time() const;
    void run(const Rows& x, float* y) const;

private:
    std::vector<std::unique_ptr<Stage>> stages_;
};

}  // namespace fastlstm
