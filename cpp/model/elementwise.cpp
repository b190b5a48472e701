#include "elementwise.hpp"

#include <algorithm>

#include "../kernels/dispatch.hpp"
#include "../layers/float_mode.hpp"

namespace fastlstm {

namespace {

class FunctionStep : public Step {
public:
    FunctionStep(const RowFunction& function, Index rows, Index size) : function_(function), rows_(rows), size_(size) {}
    void run(const float* x, float* y) override {
        std::copy_n(x, rows_ * size_, y);
        function_.apply(y, rows_, size_);
    }

private:
    const RowFunction function_;
    const Index rows_, size_;
};

class FunctionStage : public Stage {
public:
    FunctionStage(const std::string& called, Index size, const RowFunction& function)
        : Stage(called, size, size), function_(function) {}
    void run(const Rows& x, float* y) const override {
        std::copy_n(x.data, x.count() * x.size, y);
        function_.apply(y, x.count(), x.size);
    }
    std::unique_ptr<Step> step(Index rows) const override {
        return std::make_unique<FunctionStep>(function_, rows, output_size);
    }

private:
    const RowFunction function_;
};

class LastStep : public FunctionStage {
public:
    LastStep(const std::string& called, Index size) : FunctionStage(called, size, RowFunction()) {}
    bool keeps_time() const override { return false; }
    void run(const Rows& x, float* y) const override {
        for (Index row = 1; row <= x.rows; ++row, y += x.size) {
            std::copy_n(x.data + (row * x.steps - 1) * x.size, x.size, y);
        }
    }
};

}  // namespace

RowFunction::RowFunction(const Activation& activation)
    : kind_(Kind::other), activation_(activation), kernels_(&active_kernels<float>()) {
    const Function function = activation.function;
    if (function == Function::tanh) kind_ = Kind::tanh;
    if (function == Function::sigmoid) kind_ = Kind::sigmoid;
    if (function == Function::affine && activation.alpha == 1 && activation.beta == 0) kind_ = Kind::nothing;
}

RowFunction RowFunction::softmax() {
    RowFunction function(Activation{});
    function.kind_ = Kind::softmax;
    return function;
}

void RowFunction::apply(float* y, Index rows, Index size) const {
    if (kind_ == Kind::nothing) return;
    const FlushSubnormals mode;
    if (kind_ == Kind::softmax) return kernels_->softmax({y, y, nullptr, rows, size});
    if (kind_ == Kind::tanh) return kernels_->tanh(y, y, rows * size);
    if (kind_ == Kind::sigmoid) return kernels_->sigmoid(y, y, rows * size);
    kernels_->activate(activation_, y, y, nullptr, rows * size);
}

std::unique_ptr<Stage> make_function(const std::string& name, Index size, const RowFunction& function) {
    return std::make_unique<FunctionStage>(name, size, function);
}

std::unique_ptr<Stage> make_last_step(const std::string& name, Index size) {
    return std::make_unique<LastStep>(name, size);
}

}  // namespace fastlstm
