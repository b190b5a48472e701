#include "register.hpp"

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
    module.doc() = "Compiled core of fastlstm.";
    fastlstm::register_runtime(module);
    fastlstm::register_weights(module);
    fastlstm::register_dense(module);
    fastlstm::register_sequence(module);
    fastlstm::register_stack(module);
    fastlstm::register_stream(module);
}
