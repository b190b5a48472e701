#include "keras_model.hpp"

#include <map>

#include "../kernels/dispatch.hpp"
#include "complaints.hpp"
#include "dense_stage.hpp"
#include "embedding.hpp"
#include "keras_layer.hpp"
#include "precisions.hpp"

namespace fastlstm {

namespace {

// The network so far, and the numbers that come out of it.
struct Stack {
    Network& network;
    Index width;  // of the input where there is no stage yet; 0: not known

    void add(std::unique_ptr<Stage> stage) {
        network.add(std::move(stage));
        width = network.output_size();
    }
};

void check_recurrent(const KerasLayer& layer) {
    layer.check_settings({"units", "activation", "recurrent_activation", "use_bias", "unit_forget_bias", "reset_after",
                          "return_sequences", "return_state", "go_backwards", "zero_output_for_mask"});
    if (layer.config.at("return_state").truth()) layer.config.at("return_state").refuse_in_cpp("be false");
}

void add_recurrent_layer(const KerasLayer& layer, Stack& stack) {
    check_recurrent(layer);
    RecurrentLayers layers;
    layers.weights = {keras_cell(layer.within("cell"))};
    layers.sequences = layer.config.at("return_sequences").truth();
    layers.backwards = layer.config.at("go_backwards").truth();
    add_recurrent(stack.network, layer.name, std::move(layers));
    stack.width = stack.network.output_size();
}

Merge merge_of(const Entry& mode) {
    if (mode.is(Json::Kind::null)) mode.refuse_in_cpp("be 'concat', 'sum', 'mul' or 'ave'");
    if (mode.text() == "concat") return Merge::concat;
    if (mode.text() == "sum") return Merge::sum;
    if (mode.text() == "mul") return Merge::mul;
    if (mode.text() != "ave") mode.refuse("be 'concat', 'sum', 'mul' or 'ave'");
    return Merge::ave;
}

bool is_recurrent(const KerasLayer& layer) {
    return layer.class_name == "LSTM" || layer.class_name == "GRU" || layer.class_name == "SimpleRNN";
}

void add_bidirectional(const KerasLayer& layer, Stack& stack) {
    layer.check_settings({"layer", "backward_layer", "merge_mode"});
    RecurrentLayers layers;
    layers.directions = 2;
    layers.merge = merge_of(layer.config.at("merge_mode"));
    for (const char* part : {"layer", "backward_layer"}) {
        const bool is_forward = layers.weights.empty();
        const KerasLayer direction(layer.config.at(part),
                                   layer.path + (is_forward ? "/forward_layer" : "/backward_layer"), layer.shelf);
        if (!is_recurrent(direction)) not_supported(direction.name, "be LSTM, GRU or SimpleRNN", direction.class_name);
        check_recurrent(direction);
        if (direction.config.at("go_backwards").truth() == is_forward) {
            direction.config.at("go_backwards").refuse_in_cpp(is_forward ? "be false" : "be true");
        }
        layers.sequences = direction.config.at("return_sequences").truth();
        layers.weights.push_back(keras_cell(direction.within("cell")));
    }
    add_recurrent(stack.network, layer.name, std::move(layers));
    stack.width = stack.network.output_size();
}

void add_dense(const KerasLayer& layer, Stack& stack) {
    layer.check_settings({"units", "activation", "use_bias"});
    const Index inputs = layer.shape_of(0)[0], outputs = layer.config.at("units").size();
    const bool has_bias = layer.config.at("use_bias").truth();
    const Numbers kernel = layer.matrix(0, has_bias ? 2 : 1, inputs, outputs);
    const Numbers bias = has_bias ? layer.floats(1, {outputs}) : Numbers(static_cast<std::size_t>(outputs));
    auto dense = std::make_unique<const Dense<float>>(active_kernels<float>(layer.precision()), inputs, outputs,
                                                      MatrixView<const float>{kernel.data(), 1, outputs}, bias.data());
    stack.add(make_dense(layer.name, std::move(dense), layer.function()));
}

void add_function(const KerasLayer& layer, Stack& stack, const RowFunction& function) {
    if (stack.width == 0) not_supported(layer.name, "have an input of known size", "none");
    stack.add(make_function(layer.name, stack.width, function));
}

void add_activation(const KerasLayer& layer, Stack& stack) {
    layer.check_settings({"activation"});
    add_function(layer, stack, layer.function());
}

void add_relu(const KerasLayer& layer, Stack& stack) {
    layer.check_settings({"max_value", "negative_slope", "threshold"});
    if (!layer.config.at("max_value").is(Json::Kind::null)) layer.config.at("max_value").refuse_in_cpp("be null");
    if (layer.config.at("threshold").number() != 0) layer.config.at("threshold").refuse_in_cpp("be 0");
    const double slope = layer.config.at("negative_slope").number();
    add_function(layer, stack, RowFunction({slope == 0 ? Function::relu : Function::leaky_relu, slope, 0}));
}

void add_leaky_relu(const KerasLayer& layer, Stack& stack) {
    layer.check_settings({"negative_slope"});
    add_function(layer, stack, RowFunction({Function::leaky_relu, layer.config.at("negative_slope").number(), 0}));
}

void add_elu(const KerasLayer& layer, Stack& stack) {
    layer.check_settings({"alpha"});
    add_function(layer, stack, RowFunction({Function::elu, layer.config.at("alpha").number(), 0}));
}

void add_softmax(const KerasLayer& layer, Stack& stack) {
    layer.check_settings({"axis"});
    const Entry axis = layer.config.at("axis");
    if (!axis.is(Json::Kind::number) || axis.number() != -1) axis.refuse_in_cpp("be -1");
    add_function(layer, stack, RowFunction::softmax());
}

void add_embedding(const KerasLayer& layer, Stack& stack) {
    layer.check_settings({"input_dim", "output_dim", "mask_zero"});
    if (layer.config.at("mask_zero").truth()) layer.config.at("mask_zero").refuse_in_cpp("be false");
    const Index rows = layer.config.at("input_dim").size(), columns = layer.config.at("output_dim").size();
    Numbers table = layer.table(rows, columns);
    if (layer.precision() == Precision::bfloat16) round_to_bfloat16(table);
    stack.add(make_embedding(layer.name, std::move(table), columns));
}

void add_dropout(const KerasLayer& layer, Stack&) { layer.check_settings({"rate", "noise_shape"}); }

void add_time_distributed(const KerasLayer& layer, Stack& stack);

struct KerasClass {
    const char* name;
    const char* place;  // what paths call it
    void (*add)(const KerasLayer& layer, Stack& stack);
    bool of_rows;  // does the same with every step
};

const KerasClass kKerasClasses[] = {
    {"LSTM", "lstm", add_recurrent_layer, false},
    {"GRU", "gru", add_recurrent_layer, false},
    {"SimpleRNN", "simple_rnn", add_recurrent_layer, false},
    {"Bidirectional", "bidirectional", add_bidirectional, false},
    {"TimeDistributed", "time_distributed", add_time_distributed, false},
    {"Dense", "dense", add_dense, true},
    {"Embedding", "embedding", add_embedding, false},
    {"Dropout", "dropout", add_dropout, true},
    {"SpatialDropout1D", "spatial_dropout1_d", add_dropout, false},
    {"Activation", "activation", add_activation, true},
    {"ReLU", "re_lu", add_relu, true},
    {"LeakyReLU", "leaky_re_lu", add_leaky_relu, true},
    {"ELU", "elu", add_elu, true},
    {"Softmax", "softmax", add_softmax, true},
};

const KerasClass& class_of(const std::string& class_name, const std::string& owner) {
    std::string names;
    for (const KerasClass& known : kKerasClasses) {
        if (class_name == known.name) return known;
        names += (names.empty() ? "" : ", ") + std::string(known.name);
    }
    not_supported(owner, "be one of " + names, class_name);
}

void add_time_distributed(const KerasLayer& layer, Stack& stack) {
    layer.check_settings({"layer"});
    const KerasLayer inner(layer.config.at("layer"), layer.path + "/layer", layer.shelf);
    const KerasClass& known = class_of(inner.class_name, inner.name);
    if (!known.of_rows) not_supported(inner.name, "do the same with every step", inner.class_name);
    known.add(inner, stack);
}

// Numbers of a time step, from the shape of a batch.
Index input_width(const Entry& input) {
    const std::vector<Entry> shape = input.at("config").at("batch_shape").items();
    const bool is_known = !shape.empty() && !shape.back().is(Json::Kind::null);
    return is_known ? shape.back().size() : 0;
}

// In a graph of layers every one takes what the one before it gives, and that alone.
void check_follows(const Entry& layer, const std::string& before, const std::string& owner) {
    const std::vector<Entry> nodes = layer.at("inbound_nodes").items();
    const std::string must = "take what '" + before + "' gives, and that alone";
    if (nodes.size() != 1) not_supported(owner, must, std::to_string(nodes.size()) + " calls");
    const std::vector<Entry> taken = nodes.front().at("args").items();
    for (const auto& [name, value] : nodes.front().at("kwargs").members()) {
        if (!value.is(Json::Kind::null) && !value.is(Json::Kind::truth)) not_supported(owner, must, "also " + name);
    }
    if (taken.size() != 1 || !taken.front().is(Json::Kind::object)) not_supported(owner, must, "several inputs");
    const std::string& source = taken.front().at("config").at("keras_history").items().at(0).text();
    if (source != before) not_supported(owner, must, "what '" + source + "' gives");
}

}  // namespace

void add_keras_model(const Entry& model, TensorShelf& shelf, Network& network) {
    const std::string& kind = model.at("class_name").text();
    if (kind != "Sequential" && kind != "Functional") {
        model.at("class_name").refuse_in_cpp("be 'Sequential' or 'Functional'");
    }
    Stack stack{network, 0};
    std::map<std::string, int> counts;
    std::string before;
    for (const Entry& entry : model.at("config").at("layers").items()) {
        const std::string& called = entry.at("config").at("name").text();
        if (kind == "Functional" && !before.empty()) check_follows(entry, before, shelf.owner() + ": " + called);
        before = called;
        if (entry.at("class_name").text() == "InputLayer") {
            stack.width = input_width(entry);
            continue;
        }
        const KerasClass& known = class_of(entry.at("class_name").text(), shelf.owner() + ": " + called);
        const int count = counts[known.place]++;
        const std::string number = count ? "_" + std::to_string(count) : "";
        known.add(KerasLayer(entry, std::string("layers/") + known.place + number, shelf), stack);
    }
}

}  // namespace fastlstm
