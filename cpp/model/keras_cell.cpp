#include "cell_arrays.hpp"
#include "complaints.hpp"
#include "keras_layer.hpp"

namespace fastlstm {

namespace {

CellKind kind_of(const KerasLayer& layer) {
    if (layer.class_name == "LSTM") return CellKind::lstm;
    if (layer.class_name == "GRU") {
        return layer.config.at("reset_after").truth() ? CellKind::gru : CellKind::gru_reset_before;
    }
    return CellKind::rnn_tanh;
}

CellOptions options_of(const KerasLayer& layer, CellKind kind) {
    CellOptions options;
    const Activation activation = layer.activation("activation");
    if (traits(kind).gates == 1) {
        options.gates = activation;
        return options;
    }
    options.gates = layer.activation("recurrent_activation");
    options.candidate = activation;
    if (kind == CellKind::lstm) options.output = activation;
    return options;
}

// The gate of the core that a gate of Keras' is: a GRU has z, r, n there and r, u, n here.
Index gate_of(CellKind kind, Index gate) {
    const bool swapped = traits(kind).gates == 3 && gate < 2;
    return swapped ? 1 - gate : gate;
}

// (rows, G*H) to (G*H, rows), the gates in the order of the core.
Numbers transposed(const Numbers& kernel, Index rows, Index hidden, CellKind kind) {
    Numbers out(kernel.size());
    auto from = kernel.begin();
    for (Index row = 0; row < rows; ++row) {
        for (Index gate = 0; gate < traits(kind).gates; ++gate) {
            for (Index unit = 0; unit < hidden; ++unit) {
                out[static_cast<std::size_t>((gate_of(kind, gate) * hidden + unit) * rows + row)] = *from++;
            }
        }
    }
    return out;
}

// A row of biases in the order of the core.
Numbers biases(const Numbers& bias, Index row, Index hidden, CellKind kind) {
    const auto begin = bias.begin() + row * traits(kind).gates * hidden;
    return transposed(Numbers(begin, begin + traits(kind).gates * hidden), 1, hidden, kind);
}

}  // namespace

SharedWeights keras_cell(const KerasLayer& layer) {
    CellKind kind = kind_of(layer);
    const CellOptions options = options_of(layer, kind);
    kind = with_kernels_of_its_own(kind, options);
    const Index hidden = layer.config.at("units").size(), columns = traits(kind).gates * hidden;
    const Index inputs = layer.shape_of(0)[0];
    const bool has_bias = layer.config.at("use_bias").truth();
    const int scales = has_bias ? 3 : 2;
    CellArrays arrays{kind, layer.precision(), inputs, hidden, hidden, {}, {}, {}, {}, {}, options};
    arrays.weight_ih = transposed(layer.matrix(0, scales, inputs, columns), inputs, hidden, kind);
    arrays.weight_hh = transposed(layer.matrix(1, scales + 1, hidden, columns), hidden, hidden, kind);
    if (!has_bias) return packed(arrays);
    const bool has_two = kind == CellKind::gru;
    const Numbers bias = layer.floats(2, has_two ? Shape{2, columns} : Shape{columns});
    arrays.bias = biases(bias, 0, hidden, kind);
    if (has_two) arrays.recurrent_bias = biases(bias, 1, hidden, kind);
    return packed(arrays);
}

}  // namespace fastlstm
