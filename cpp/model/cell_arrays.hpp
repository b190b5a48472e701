// The arrays of a recurrent layer in one direction, as every reader of a format hands them over.
#pragma once

#include <optional>

#include "recurrent_stage.hpp"
#include "tensor_shelf.hpp"

namespace fastlstm {

// Matrices lie row by row. What is empty is not there.
struct CellArrays {
    CellKind kind;
    Precision precision;
    Index input_size, hidden_size, state_size;
    Numbers weight_ih, weight_hh, bias, recurrent_bias, weight_hr;
    std::optional<CellOptions> options = {};
};

SharedWeights packed(const CellArrays& arrays);

}  // namespace fastlstm
