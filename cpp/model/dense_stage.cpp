#include "dense_stage.hpp"

namespace fastlstm {

namespace {

class DenseStep : public Step {
public:
    DenseStep(const Dense<float>& dense, const RowFunction& activation, Index rows)
        : dense_(dense), activation_(activation), rows_(rows), rounded_(dense.rounded_rows(rows)) {}
    void run(const float* x, float* y) override {
        dense_.apply_alone(x, dense_.input_size, rows_, rounded_, y);
        activation_.apply(y, rows_, dense_.outputs.size);
    }

private:
    const Dense<float>& dense_;
    const RowFunction activation_;
    const Index rows_;
    const RoundedRows<float> rounded_;
};

class DenseStage : public Stage {
public:
    DenseStage(const std::string& called, std::unique_ptr<const Dense<float>> dense, const RowFunction& activation)
        : Stage(called, dense->input_size, dense->outputs.size), dense_(std::move(dense)), activation_(activation) {}
    void run(const Rows& x, float* y) const override {
        dense_->apply(x.data, x.size, x.count(), y);
        activation_.apply(y, x.count(), output_size);
    }
    std::unique_ptr<Step> step(Index rows) const override {
        return std::make_unique<DenseStep>(*dense_, activation_, rows);
    }

private:
    const std::unique_ptr<const Dense<float>> dense_;
    const RowFunction activation_;
};

}  // namespace

std::unique_ptr<Stage> make_dense(const std::string& name, std::unique_ptr<const Dense<float>> dense,
                                  const RowFunction& activation) {
    return std::make_unique<DenseStage>(name, std::move(dense), activation);
}

}  // namespace fastlstm
