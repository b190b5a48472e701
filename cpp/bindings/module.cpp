#include "register.hpp"

PYBIND11_MODULE(_core_of_main_interpreter, module, pybind11::mod_gil_not_used()) {
    module.doc() = "Compiled core of fastlstm.";
    fastlstm::register_runtime(module);
    fastlstm::register_arrays(module);
    fastlstm::register_weights(module);
    fastlstm::register_dense(module);
    fastlstm::register_convolution(module);
    fastlstm::register_sequence(module);
    fastlstm::register_stack(module);
    fastlstm::register_stream(module);
    fastlstm::register_scopes(module);
    fastlstm::register_softmax(module);
    fastlstm::register_updates(module);
}

// In a subinterpreter pybind11 would wait for a GIL it holds; so say no before it begins.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "fastlstm works in the main interpreter only, not in a subinterpreter");
        return nullptr;
    }
    return PyInit__core_of_main_interpreter();
}
