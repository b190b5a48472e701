#include "array_layers.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "../kernels/dispatch.hpp"
#include "cell_arrays.hpp"
#include "complaints.hpp"
#include "dense_stage.hpp"
#include "embedding.hpp"
#include "precisions.hpp"

namespace fastlstm {

namespace {

constexpr int kDeepestChain = 20;  // chains within chains

// What a layer is told, and where it stands.
struct Told {
    const Entry arguments;
    const Precision precision;
    const std::string prefix, name;
    TensorShelf& shelf;
    Network& network;

    Index width() const {
        if (!network.last()) not_supported(name, "have a layer with weights below it", "the first layer");
        return network.output_size();
    }

    // (rows, columns); of whole numbers times the scales of their rows.
    Numbers matrix(const std::string& called, Index rows, Index columns) const {
        if (!is_whole(precision)) return shelf.floats(prefix + called, {rows, columns});
        Numbers numbers = shelf.whole(prefix + called, {rows, columns});
        const Numbers scales = shelf.floats(prefix + called + "_scale", {rows});
        const auto is_wrong = [](float scale) { return scale < 0 || std::isinf(scale); };
        if (std::any_of(scales.begin(), scales.end(), is_wrong)) {
            complain(name + ": " + called + "_scale", "hold numbers of at least 0, or NaN", "another");
        }
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            // a NaN stays
            numbers[i] =
                std::max(std::min(numbers[i] * scales[i / static_cast<std::size_t>(columns)], FLT_MAX), -FLT_MAX);
        }
        return numbers;
    }
};

void check_float32(const Entry& arguments) {
    if (arguments.at("dtype").text() != "float32") arguments.at("dtype").refuse_in_cpp("be 'float32'");
}

CellKind kind_of(const std::string& class_name, const Entry& arguments) {
    if (class_name == "LSTM") return CellKind::lstm;
    if (class_name == "GRU") return CellKind::gru;
    const Entry nonlinearity = arguments.at("nonlinearity");
    if (nonlinearity.text() == "tanh") return CellKind::rnn_tanh;
    if (nonlinearity.text() != "relu") nonlinearity.refuse("be 'tanh' or 'relu'");
    return CellKind::rnn_relu;
}

SharedWeights cell_of(const Told& told, CellKind kind, Index inputs, const std::string& suffix) {
    const Index hidden = told.arguments.at("hidden_size").size(), rows = traits(kind).gates * hidden;
    const bool projected = kind == CellKind::lstm && told.arguments.at("proj_size").number() != 0;
    const Index state = projected ? told.arguments.at("proj_size").size() : hidden;
    CellArrays arrays{kind, told.precision, inputs, hidden, state, {}, {}, {}, {}, {}, {}};
    arrays.weight_ih = told.matrix("weight_ih" + suffix, rows, inputs);
    arrays.weight_hh = told.matrix("weight_hh" + suffix, rows, state);
    if (told.arguments.at("bias").truth()) {
        arrays.bias = told.shelf.floats(told.prefix + "bias_ih" + suffix, {rows});
        arrays.recurrent_bias = told.shelf.floats(told.prefix + "bias_hh" + suffix, {rows});
    }
    if (projected) arrays.weight_hr = told.matrix("weight_hr" + suffix, state, hidden);
    return packed(arrays);
}

void add_recurrent_layer(const Told& told, const std::string& class_name) {
    check_float32(told.arguments);
    const CellKind kind = kind_of(class_name, told.arguments);
    RecurrentLayers layers;
    layers.directions = told.arguments.at("bidirectional").truth() ? 2 : 1;
    Index inputs = told.arguments.at("input_size").size();
    const Index count = told.arguments.at("num_layers").size();
    for (Index layer = 0; layer < count; ++layer) {
        const std::string suffix = "_l" + std::to_string(layer);
        layers.weights.push_back(cell_of(told, kind, inputs, suffix));
        if (layers.directions == 2) layers.weights.push_back(cell_of(told, kind, inputs, suffix + "_reverse"));
        inputs = layers.output_size();
    }
    add_recurrent(told.network, told.name, std::move(layers));
}

void add_linear(const Told& told) {
    check_float32(told.arguments);
    const Index inputs = told.arguments.at("in_features").size(), outputs = told.arguments.at("out_features").size();
    const Numbers weight = told.matrix("weight", outputs, inputs);
    Numbers bias(static_cast<std::size_t>(outputs));
    if (told.arguments.at("bias").truth()) bias = told.shelf.floats(told.prefix + "bias", {outputs});
    told.network.add(
        make_dense(told.name,
                   std::make_unique<const Dense<float>>(active_kernels<float>(told.precision), inputs, outputs,
                                                        MatrixView<const float>{weight.data(), inputs, 1}, bias.data()),
                   RowFunction()));
}

void add_embedding(const Told& told) {
    check_float32(told.arguments);
    const Index columns = told.arguments.at("embedding_dim").size();
    Numbers table = told.matrix("weight", told.arguments.at("num_embeddings").size(), columns);
    if (told.precision == Precision::bfloat16) round_to_bfloat16(table);
    told.network.add(make_embedding(told.name, std::move(table), columns));
}

void add_function(const Told& told, const RowFunction& function) {
    told.network.add(make_function(told.name, told.width(), function));
}

void add_softmax(const Told& told) {
    if (told.arguments.at("dim").number() != -1) told.arguments.at("dim").refuse_in_cpp("be -1");
    add_function(told, RowFunction::softmax());
}

void add_last(const Told& told) { told.network.add(make_last_step(told.name, told.width())); }

void add_final_hidden(const Told& told) {
    const auto* below = dynamic_cast<const RecurrentStage*>(told.network.last());
    if (!below || !below->layers().sequences) complain(told.name, "stand behind a recurrent layer", "another place");
    RecurrentLayers layers = below->layers();
    layers.sequences = false;
    told.network.replace_last(std::make_unique<RecurrentStage>(below->name, std::move(layers)));
}

void add_leaky_relu(const Told& told) {
    add_function(told, RowFunction({Function::leaky_relu, told.arguments.at("negative_slope").number(), 0}));
}

struct ArrayClass {
    const char* name;
    void (*add)(const Told& told);
    std::vector<std::string> arguments;
};

const ArrayClass kArrayClasses[] = {
    {"LSTM",
     [](const Told& told) { add_recurrent_layer(told, "LSTM"); },
     {"input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size",
      "dtype"}},
    {"GRU",
     [](const Told& told) { add_recurrent_layer(told, "GRU"); },
     {"input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "dtype"}},
    {"RNN",
     [](const Told& told) { add_recurrent_layer(told, "RNN"); },
     {"input_size", "hidden_size", "num_layers", "nonlinearity", "bias", "batch_first", "dropout", "bidirectional",
      "dtype"}},
    {"Linear", add_linear, {"in_features", "out_features", "bias", "dtype"}},
    {"Embedding", add_embedding, {"num_embeddings", "embedding_dim", "padding_idx", "dtype"}},
    {"Dropout", [](const Told&) {}, {"p"}},
    {"ReLU", [](const Told& told) { add_function(told, RowFunction({Function::relu, 0, 0})); }, {}},
    {"LeakyReLU", add_leaky_relu, {"negative_slope"}},
    {"Sigmoid", [](const Told& told) { add_function(told, RowFunction({Function::sigmoid, 0, 0})); }, {}},
    {"Tanh", [](const Told& told) { add_function(told, RowFunction({Function::tanh, 0, 0})); }, {}},
    {"Softmax", add_softmax, {"dim"}},
    {"LastStep", add_last, {}},
    {"LastValidStep", add_last, {}},
    {"FinalHidden", add_final_hidden, {}},
};

void check_arguments(const ArrayClass& known, const Entry& arguments) {
    for (const auto& [name, value] : arguments.members()) {
        const auto& all = known.arguments;
        if (std::find(all.begin(), all.end(), name) == all.end()) {
            not_supported(arguments.owner(), "have known arguments", shown(name));
        }
    }
}

void add_layer(const Entry& described, const std::string& prefix, const std::string& name, TensorShelf& shelf,
               Network& network, int depth) {
    const Entry class_entry = described.at("class"), arguments = described.at("arguments").called(name);
    const std::string& class_name = class_entry.text();
    if (class_name == "Chain") {
        if (depth == kDeepestChain) complain(name, "hold at most 20 chains within each other", "more");
        for (const auto& [piece, entry] : arguments.members()) {
            add_layer(entry, prefix + piece + ".", entry.owner(), shelf, network, depth + 1);
        }
        return;
    }
    const Precision precision = described.has("precision") ? precision_of(described.at("precision")) : Precision::full;
    for (const ArrayClass& known : kArrayClasses) {
        if (class_name != known.name) continue;
        check_arguments(known, arguments);
        return known.add({arguments, precision, prefix, name, shelf, network});
    }
    std::string names = "a Chain";
    for (const ArrayClass& known : kArrayClasses) names += ", " + std::string(known.name);
    not_supported(name, "be one of " + names, class_name);
}

}  // namespace

void add_array_layer(const Entry& described, const std::string& prefix, const std::string& name, TensorShelf& shelf,
                     Network& network) {
    add_layer(described, prefix, name, shelf, network, 0);
}

}  // namespace fastlstm
