#include "precisions.hpp"

#include <pybind11/pybind11.h>

#include <iterator>

namespace fastlstm {

namespace py = pybind11;

namespace {

constexpr const char* kNames[] = {"full", "int8", "int8_int16", "bfloat16"};  // in the order of Precision

}  // namespace

Precision precision_of(const std::string& name) {
    std::string valid;
    for (std::size_t number = 0; number < std::size(kNames); ++number) {
        if (name == kNames[number]) return static_cast<Precision>(number);
        valid += (number ? ", '" : "'") + std::string(kNames[number]) + "'";
    }
    throw py::value_error("precision must be one of " + valid + ", got '" + name + "'");
}

std::string name_of(Precision precision) { return kNames[static_cast<std::size_t>(precision)]; }

template <>
const Kernels<float>& packing_kernels<float>(Precision precision) {
    return active_kernels<float>(precision);
}

template <>
const Kernels<double>& packing_kernels<double>(Precision precision) {
    if (precision == Precision::full) return active_kernels<double>();
    throw py::value_error("precision must be 'full' for float64 weights, got '" + name_of(precision) + "'");
}

template <class T>
void refuse_for_training(const Kernels<T>& kernels) {
    if (kernels.outer) return;
    throw py::value_error("weights must have precision 'full' or 'bfloat16' for training, got '" +
                          name_of(kernels.precision) + "'");
}

template void refuse_for_training(const Kernels<float>&);
template void refuse_for_training(const Kernels<double>&);

}  // namespace fastlstm
