// Recurrent layers on top of each other, in one direction or two.
#pragma once

#include "../layers/weights.hpp"
#include "network.hpp"

namespace fastlstm {

using SharedWeights = std::shared_ptr<const Weights<float>>;

// How the outputs of two directions become one.
enum class Merge { concat, sum, mul, ave };

struct RecurrentLayers {
    std::vector<SharedWeights> weights;  // L x D, those of the first layer first
    std::size_t directions = 1;
    Merge merge = Merge::concat;
    bool sequences = true;   // gives the outputs of all steps, or the last states
    bool backwards = false;  // one direction that reads the last step first, and gives outputs in that order

    // Whether a layer of one direction may go on where this ends.
    bool goes_on() const { return directions == 1 && sequences && !backwards; }
    // Whether outputs lie side by side, and not over each other.
    bool merges_in_place() const { return directions == 1 || merge == Merge::concat; }
    Index width() const;  // of the outputs side by side
    Index output_size() const { return merges_in_place() ? width() : width() / 2; }
};

class RecurrentStage : public Stage {
public:
    RecurrentStage(const std::string& called, RecurrentLayers layers);

    const RecurrentLayers& layers() const { return layers_; }
    bool keeps_time() const override { return layers_.sequences; }
    void run(const Rows& x, float* y) const override;
    std::unique_ptr<Step> step(Index rows) const override;

private:
    const RecurrentLayers layers_;
};

// Puts layers on a network; those that go on where others end become one stage with them.
void add_recurrent(Network& network, const std::string& name, RecurrentLayers layers);

}  // namespace fastlstm
