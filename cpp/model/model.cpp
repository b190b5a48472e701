// The classes of fastlstm.hpp.
#include "../include/fastlstm/fastlstm.hpp"

#include <limits>
#include <vector>

#include "native_file.hpp"
#include "tensors.hpp"

namespace fastlstm {

namespace {

Index count_of(std::size_t count, const char* name) {
    if (count >= 1 && count <= static_cast<std::size_t>(std::numeric_limits<Index>::max())) {
        return static_cast<Index>(count);
    }
    throw std::invalid_argument(std::string(name) + " must be at least 1, got " + std::to_string(count));
}

}  // namespace

class ModelStream::Steps {
public:
    Steps(std::shared_ptr<const Network> network, Index rows) : rows_(rows), network_(std::move(network)) {
        for (const auto& stage : network_->stages()) {
            steps_.push_back(stage->step(rows));
            outputs_.push_back(Floats(checked_product(rows, stage->output_size)));
        }
        last_ = steps_.back().get();
        outputs_.pop_back();
    }

    Index rows() const { return rows_; }

    void run(const float* x, float* y) {
        auto step = steps_.begin();
        for (Floats& output : outputs_) {
            (*step++)->run(x, output.data());
            x = output.data();
        }
        last_->run(x, y);
    }

    void reset() {
        for (const auto& step : steps_) step->reset();
    }

private:
    const Index rows_;
    const std::shared_ptr<const Network> network_;
    std::vector<std::unique_ptr<Step>> steps_;
    std::vector<Floats> outputs_;  // of all but the last, which writes the caller's
    Step* last_;
};

Model::Model(std::shared_ptr<const Network> network) : network_(std::move(network)) {}

Model Model::load(const std::string& path) {
    const std::string content = content_of(path);
    return Model(read_network(content, path));
}

Model Model::load(const void* bytes, std::size_t size) {
    if (!bytes && size > 0) throw std::invalid_argument("bytes must be a file in memory, got null");
    return Model(read_network({static_cast<const char*>(bytes), size}, "the model"));
}

std::size_t Model::input_size() const { return static_cast<std::size_t>(network_->input_size()); }
std::size_t Model::output_size() const { return static_cast<std::size_t>(network_->output_size()); }
bool Model::gives_sequences() const { return network_->keeps_time(); }

void Model::run(const float* x, std::size_t rows, std::size_t steps, float* y) const {
    const Rows in{x, count_of(rows, "rows"), count_of(steps, "steps"), network_->input_size()};
    checked_product(in.rows, in.steps, in.size);
    network_->run(in, y);
}

ModelStream Model::stream(std::size_t rows) const {
    return ModelStream(std::make_unique<ModelStream::Steps>(network_, count_of(rows, "rows")));
}

ModelStream::ModelStream(std::unique_ptr<Steps> steps) : steps_(std::move(steps)) {}
ModelStream::ModelStream(ModelStream&& other) noexcept = default;
ModelStream& ModelStream::operator=(ModelStream&& other) noexcept = default;
ModelStream::~ModelStream() = default;

std::size_t ModelStream::rows() const { return static_cast<std::size_t>(steps_->rows()); }
void ModelStream::step(const float* x, float* y) { steps_->run(x, y); }
void ModelStream::reset() { steps_->reset(); }

}  // namespace fastlstm
