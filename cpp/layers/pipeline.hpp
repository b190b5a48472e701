// Layers on top of each other at the same time: while a layer takes some steps, the one above takes the steps before.
#pragma once

#include <vector>

#include "pass.hpp"

namespace fastlstm {

// Whether every layer takes the steps in the order in which the one below gives them.
template <class T>
bool can_be_pipelined(const std::vector<Pass<T>>& passes);

// About how long it takes with so many threads (see plan.hpp).
template <class T>
double pipeline_duration(const std::vector<Pass<T>>& passes, int threads);

// passes: of the layers, the first one first; what lies between them is seen to. False when stopped early.
template <class T>
bool forward_pipelined(std::vector<Pass<T>> passes, int threads, const StopRequested& stop_requested);

}  // namespace fastlstm
