// One function for each part of the extension module.
#pragma once

#include <pybind11/pybind11.h>

namespace fastlstm {

void register_runtime(pybind11::module_& module);
void register_weights(pybind11::module_& module);
void register_dense(pybind11::module_& module);
void register_sequence(pybind11::module_& module);
void register_stream(pybind11::module_& module);

}  // namespace fastlstm
