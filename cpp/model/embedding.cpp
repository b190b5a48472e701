#include "embedding.hpp"

#include <algorithm>

namespace fastlstm {

namespace {

class EmbeddingStage : public Stage {
public:
    EmbeddingStage(const std::string& called, Numbers table, Index columns)
        : Stage(called, 1, columns), table_(std::move(table)), rows_(static_cast<Index>(table_.size()) / columns) {}

    void run(const Rows& x, float* y) const override { look_up(x.data, x.count(), y); }
    std::unique_ptr<Step> step(Index rows) const override;

    void look_up(const float* x, Index count, float* y) const {
        for (Index i = 0; i < count; ++i) y = std::copy_n(table_.data() + row_of(x[i]) * output_size, output_size, y);
    }

private:
    Index row_of(float number) const {
        const bool fits = number >= 0 && number < static_cast<float>(rows_);
        const Index row = fits ? static_cast<Index>(number) : 0;
        if (fits && static_cast<float>(row) == number && row < rows_) return row;
        throw std::invalid_argument("x must hold whole numbers from 0 to " + std::to_string(rows_ - 1) +
                                    ", indices of the rows of " + name + ", got " + std::to_string(number));
    }

    const Numbers table_;
    const Index rows_;
};

class EmbeddingStep : public Step {
public:
    EmbeddingStep(const EmbeddingStage& stage, Index rows) : stage_(stage), rows_(rows) {}
    void run(const float* x, float* y) override { stage_.look_up(x, rows_, y); }

private:
    const EmbeddingStage& stage_;
    const Index rows_;
};

std::unique_ptr<Step> EmbeddingStage::step(Index rows) const { return std::make_unique<EmbeddingStep>(*this, rows); }

}  // namespace

std::unique_ptr<Stage> make_embedding(const std::string& name, Numbers table, Index columns) {
    return std::make_unique<EmbeddingStage>(name, std::move(table), columns);
}

}  // namespace fastlstm
