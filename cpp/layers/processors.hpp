// How many processors this process may use.
#pragma once

#include <string>

namespace fastlstm {

// The processors it may run on or, where that is less, those that the time a container grants it amounts to, rounded
// down to one or more. Files are looked for under `root`, "" but in tests.
int processors(const std::string& root = "");

}  // namespace fastlstm
