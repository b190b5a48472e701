#include "long_call.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

#include "../layers/thread_pool.hpp"

namespace fastlstm {

namespace {

// Runs `take_gil`, which Python ends by unwinding the thread if the interpreter has finished meanwhile (a daemon thread
// at exit). Nothing of Python may be touched then, not even by destructors, so the thread waits for the end here. Other
// libraries than GNU's (that of macOS) end a thread without unwinding.
template <class F>
auto unless_finished(const F& take_gil) {
#if defined(__GLIBCXX__)
    try {
        return take_gil();
    } catch (const abi::__forced_unwind&) {
        for (;;) pause();
    }
#else
    return take_gil();
#endif
}

}  // namespace

bool signal_waiting() {
    const PyGILState_STATE state = unless_finished([] { return PyGILState_Ensure(); });
    const unsigned generation = fork_generation();
    bool waiting = PyErr_CheckSignals() != 0;
    // A handler may have forked. The other threads of the call are not in the child, which so cannot finish it.
    if (!waiting && fork_generation() != generation) {
        PyErr_SetString(PyExc_RuntimeError, "this process was forked by a signal handler in the middle of a call");
        waiting = true;
    }
    PyGILState_Release(state);
    return waiting;
}

void without_gil(const std::function<bool()>& work) {
    PyThreadState* const thread = PyEval_SaveThread();
    bool completed = false;
    std::exception_ptr failure;
    try {
        completed = work();
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    unless_finished([&] { PyEval_RestoreThread(thread); });
    if (failure) std::rethrow_exception(failure);
    if (!completed) throw pybind11::error_already_set();
}

bool in_parts(Index count, Index grain, double multiply_adds, const std::function<void(Index, Index)>& work) {
    constexpr double kAtATime = 1e9;
    const double grains = kAtATime * static_cast<double>(count) / multiply_adds / static_cast<double>(grain);
    const Index part = grain * std::max<Index>(1, static_cast<Index>(std::min(grains, static_cast<double>(count))));
    Interruption interruption(signal_waiting);
    for (Index begin = 0; begin < count; begin += part) {
        work(begin, std::min(count, begin + part));
        if (interruption.anywhere(0)) return false;
    }
    return true;
}

}  // namespace fastlstm
