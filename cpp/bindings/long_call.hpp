// Computing without the GIL, and Ctrl-C meanwhile.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>

namespace fastlstm {

// Asks Python whether a signal such as Ctrl-C is waiting; its exception is then set.
bool signal_waiting();

// Other Python threads may run while `work` does: it touches only memory that this call's arguments keep alive. What it
// throws is thrown on; false means that signal_waiting() ended it, and Python's exception is thrown.
void without_gil(const std::function<bool()>& work);

}  // namespace fastlstm
