// The Python-visible owners of packed weights and tapes: one class each, holding either element type.
#pragma once

#include <pybind11/numpy.h>

#include <memory>
#include <utility>
#include <variant>

#include "../layers/sequence.hpp"

namespace fastlstm {

struct WeightsHandle {
    std::variant<std::shared_ptr<const Weights<float>>, std::shared_ptr<const Weights<double>>> weights;
};

template <class T>
struct HeldTape {
    Tape<T> tape;
    Index steps;
    pybind11::array x;  // keeps the memory that tape.x looks at
};

struct TapeHandle {
    std::variant<std::shared_ptr<const HeldTape<float>>, std::shared_ptr<const HeldTape<double>>> held;
};

}  // namespace fastlstm
