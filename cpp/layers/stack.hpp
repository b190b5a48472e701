// Layers on top of each other, in one or two directions: inference over a sequence.
#pragma once

#include <vector>

#include "pass.hpp"

namespace fastlstm {

// passes: L x D, those of the first layer first. A layer takes the outputs of the one below, all directions side by
// side. The caller points the first layer to x and the last one to y; the stack sees to what lies between. False when
// stopped early; the outputs are then incomplete.
template <class T>
bool forward_stack(std::vector<Pass<T>> passes, Index directions, const StopRequested& stop_requested);

}  // namespace fastlstm
