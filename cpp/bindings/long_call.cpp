#include "long_call.hpp"

#include <cxxabi.h>
#include <unistd.h>

#include <exception>

namespace fastlstm {

namespace {

// Runs `take_gil`, which Python ends by unwinding the thread if the interpreter has finished meanwhile (a daemon thread
// at exit). Nothing of Python may be touched then, not even by destructors, so the thread waits for the end here.
template <class F>
auto unless_finished(const F& take_gil) {
    try {
        return take_gil();
    } catch (const abi::__forced_unwind&) {
        for (;;) pause();
    }
}

}  // namespace

bool signal_waiting() {
    const PyGILState_STATE state = unless_finished([] { return PyGILState_Ensure(); });
    const bool waiting = PyErr_CheckSignals() != 0;
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

}  // namespace fastlstm
