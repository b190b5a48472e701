#include "network.hpp"

#include <algorithm>

#include "complaints.hpp"

namespace fastlstm {

void Network::add(std::unique_ptr<Stage> stage) {
    if (last() && stage->input_size != output_size()) {
        complain(stage->name, "take " + std::to_string(output_size()) + " numbers, what comes out below",
                 std::to_string(stage->input_size));
    }
    stages_.push_back(std::move(stage));
}

bool Network::keeps_time() const {
    return std::all_of(stages_.begin(), stages_.end(), [](const auto& stage) { return stage->keeps_time(); });
}

void Network::run(const Rows& x, float* y) const {
    Rows in = x;
    Floats below;
    for (const auto& stage : stages_) {
        const Index steps = stage->keeps_time() ? in.steps : 1;
        const bool is_last = stage == stages_.back();
        Floats out = is_last ? Floats() : Floats(checked_product(in.rows, steps, stage->output_size));
        stage->run(in, is_last ? y : out.data());
        in = {out.data(), in.rows, steps, stage->output_size};
        below = std::move(out);
    }
}

}  // namespace fastlstm
