// One function for each part of the extension module.
#pragma once

#include <pybind11/pybind11.h>

#include "../layers/views.hpp"

namespace fastlstm {

// Multiply-adds above which other Python threads are let run meanwhile: ten microseconds or so.
constexpr Index kWorthReleasing = 400'000;

void register_runtime(pybind11::module_& module);
void register_arrays(pybind11::module_& module);
void register_weights(pybind11::module_& module);
void register_dense(pybind11::module_& module);
void register_convolution(pybind11::module_& module);
void register_sequence(pybind11::module_& module);
void register_stack(pybind11::module_& module);
void register_stream(pybind11::module_& module);
void register_scopes(pybind11::module_& module);
void register_softmax(pybind11::module_& module);
void register_updates(pybind11::module_& module);

}  // namespace fastlstm
