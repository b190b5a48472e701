// Computing without the GIL, and Ctrl-C meanwhile.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>

#include "../layers/interruption.hpp"

namespace fastlstm {

// Asks Python whether a signal such as Ctrl-C is waiting; its exception is then set.
bool signal_waiting();

// Other Python threads may run while `work` does: it touches only memory that this call's arguments keep alive. What it
// throws is thrown on; false means that signal_waiting() ended it, and Python's exception is thrown.
void without_gil(const std::function<bool()>& work);

// The same for work(whether to stop), false if that ended it; with the GIL, and to its end, where it is over too soon
// to be worth more.
template <class F>
void without_gil_if(bool worth_it, const F& work) {
    if (worth_it) {
        without_gil([&] { return work(signal_waiting); });
    } else {
        work(StopRequested());
    }
}

// For without_gil: work(begin, end) for parts of `count` things, cut at multiples of `grain`, that take a tenth of a
// second or so each, and signals are looked for in between.
bool in_parts(Index count, Index grain, double multiply_adds, const std::function<void(Index, Index)>& work);

}  // namespace fastlstm
