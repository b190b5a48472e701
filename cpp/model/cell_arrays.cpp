#include "cell_arrays.hpp"

#include "../kernels/dispatch.hpp"

namespace fastlstm {

namespace {

MatrixView<const float> view_of(const Numbers& matrix, Index columns) {
    if (matrix.empty()) return {};
    return {matrix.data(), columns, 1};
}

const float* data_or_null(const Numbers& numbers) { return numbers.empty() ? nullptr : numbers.data(); }

}  // namespace

SharedWeights packed(const CellArrays& arrays) {
    CellParameters<float> parameters;
    parameters.kind = arrays.kind;
    parameters.input_size = arrays.input_size;
    parameters.hidden_size = arrays.hidden_size;
    parameters.state_size = arrays.state_size;
    parameters.weight_ih = view_of(arrays.weight_ih, arrays.input_size);
    parameters.weight_hh = view_of(arrays.weight_hh, arrays.state_size);
    parameters.bias = data_or_null(arrays.bias);
    parameters.recurrent_bias = data_or_null(arrays.recurrent_bias);
    parameters.weight_hr = view_of(arrays.weight_hr, arrays.hidden_size);
    parameters.options = arrays.options;
    return std::make_shared<const Weights<float>>(active_kernels<float>(arrays.precision), parameters);
}

}  // namespace fastlstm
