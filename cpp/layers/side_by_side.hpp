// The directions of one layer at the same time, each by threads of its own that need not wait for those of the other.
#pragma once

#include <vector>

#include "pass.hpp"

namespace fastlstm {

// Whether that takes less time than one after the other.
template <class T>
bool worth_side_by_side(const std::vector<Pass<T>>& passes);

// False when stopped early.
template <class T>
bool forward_side_by_side(const std::vector<Pass<T>>& passes, const StopRequested& stop_requested);

}  // namespace fastlstm
