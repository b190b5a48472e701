#include "keras_layer.hpp"

#include <algorithm>
#include <string_view>

#include "complaints.hpp"
#include "precisions.hpp"

namespace fastlstm {

namespace {

struct NamedActivation {
    const char* name;
    Activation activation;
};

const NamedActivation kActivations[] = {
    {"linear", {Function::affine, 1, 0}},
    {"relu", {Function::relu, 0, 0}},
    {"leaky_relu", {Function::leaky_relu, 0.2, 0}},
    {"tanh", {Function::tanh, 0, 0}},
    {"sigmoid", {Function::sigmoid, 0, 0}},
    {"hard_sigmoid", {Function::hard_sigmoid, 1 / 6., 0.5}},
    {"hard_sigmoid_keras2", {Function::hard_sigmoid, 0.2, 0.5}},
    {"elu", {Function::elu, 1, 0}},
    {"selu", {Function::selu, 0, 0}},
    {"softplus", {Function::softplus, 0, 0}},
    {"softsign", {Function::softsign, 0, 0}},
    {"silu", {Function::silu, 0, 0}},
    {"exponential", {Function::exponential, 0, 0}},
};

// Settings that change nothing in inference, and those of any layer that are read elsewhere.
constexpr std::string_view kOfTraining[] = {"trainable", "seed", "dropout", "recurrent_dropout", "unroll", "stateful"};
constexpr std::string_view kEndsOfTraining[] = {"_initializer", "_regularizer", "_constraint"};

bool is_of_training(std::string_view setting) {
    const auto ends = [&](std::string_view end) {
        return setting.size() > end.size() && setting.substr(setting.size() - end.size()) == end;
    };
    return std::find(std::begin(kOfTraining), std::end(kOfTraining), setting) != std::end(kOfTraining) ||
           std::any_of(std::begin(kEndsOfTraining), std::end(kEndsOfTraining), ends);
}

// Of whole numbers: what the activations are rounded to, of which Keras knows 8 bits or none.
Precision whole_precision(const Entry& config) {
    if (!config.has("quantization_config") || config.at("quantization_config").is(Json::Kind::null)) {
        return Precision::int8;
    }
    const Entry quantizers = config.at("quantization_config").at("config");
    if (!quantizers.at("weight_quantizer").is(Json::Kind::null)) {
        quantizers.at("weight_quantizer").refuse_in_cpp("be the one that Keras has by default");
    }
    return quantizers.at("activation_quantizer").is(Json::Kind::null) ? Precision::int8_int16 : Precision::int8;
}

}  // namespace

KerasLayer::KerasLayer(const Entry& entry, const std::string& weights_at, TensorShelf& arrays)
    : class_name(entry.at("class_name").text()),
      name(arrays.owner() + ": " + entry.at("config").at("name").text()),
      config(entry.at("config").called(name)),
      path(weights_at),
      shelf(arrays) {
    if (entry.has("registered_name") && !entry.at("registered_name").is(Json::Kind::null)) {
        not_supported(name, "be a layer of fastlstm", "one of your own, " + class_name);
    }
}

void KerasLayer::check_settings(std::initializer_list<const char*> own) const {
    constexpr std::string_view kEverywhere[] = {"name", "dtype", "quantization_config"};
    for (const auto& [setting, value] : config.members()) {
        const auto is_same = [&, &named = setting](std::string_view known) { return named == known; };
        if (is_of_training(setting) || std::any_of(own.begin(), own.end(), is_same) ||
            std::any_of(std::begin(kEverywhere), std::end(kEverywhere), is_same)) {
            continue;
        }
        not_supported(name, "have known settings", setting);
    }
}

Precision KerasLayer::precision() const {
    const Entry dtype = config.at("dtype");
    const bool is_policy = dtype.is(Json::Kind::object);
    if (is_policy && dtype.at("class_name").text() == "QuantizedDTypePolicy") {
        const Entry policy = dtype.at("config");
        if (policy.at("mode").text() != "int8") policy.at("mode").refuse_in_cpp("be 'int8'");
        if (policy.at("source_name").text() != "float32") policy.at("source_name").refuse_in_cpp("be 'float32'");
        return whole_precision(config);
    }
    const Entry policy = is_policy ? dtype.at("config").at("name") : dtype;
    if (policy.text() == "float32") return Precision::full;
    if (policy.text() != "mixed_bfloat16") policy.refuse_in_cpp("be 'float32' or 'mixed_bfloat16'");
    return Precision::bfloat16;
}

Activation KerasLayer::activation(const char* setting) const {
    const Entry entry = config.at(setting);
    std::string names;
    for (const NamedActivation& known : kActivations) {
        if (entry.is(Json::Kind::text) && entry.text() == known.name) return known.activation;
        names += (names.empty() ? "" : ", ") + std::string(known.name);
    }
    entry.refuse_in_cpp("be one of " + names);
}

RowFunction KerasLayer::function() const {
    const Entry entry = config.at("activation");
    if (entry.is(Json::Kind::text) && entry.text() == "softmax") return RowFunction::softmax();
    return RowFunction(activation("activation"));
}

KerasLayer KerasLayer::within(const std::string& part) const {
    KerasLayer inside = *this;
    inside.path += "/" + part;
    return inside;
}

std::string KerasLayer::variable(int number) const { return path + "/vars/" + std::to_string(number); }

Shape KerasLayer::shape_of(int number) const { return shelf.shape_of(variable(number)); }

Numbers KerasLayer::floats(int number, const Shape& shape) const { return shelf.floats(variable(number), shape); }

Numbers KerasLayer::matrix(int number, int scale, Index rows, Index columns) const {
    if (!is_whole(precision())) return floats(number, {rows, columns});
    Numbers numbers = shelf.whole(variable(number), {rows, columns});
    const Numbers scales = floats(scale, {columns});
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] /= scales[i % scales.size()];
    return numbers;
}

Numbers KerasLayer::table(Index rows, Index columns) const {
    if (!is_whole(precision())) return floats(0, {rows, columns});
    Numbers numbers = shelf.whole(variable(0), {rows, columns});
    const Numbers scales = floats(1, {rows});
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] /= scales[i / static_cast<std::size_t>(columns)];
    return numbers;
}

}  // namespace fastlstm
