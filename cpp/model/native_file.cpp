#include "native_file.hpp"

#include "array_layers.hpp"
#include "complaints.hpp"
#include "keras_model.hpp"

namespace fastlstm {

namespace {

constexpr Index kVersion = 1;  // of the description; a reader of it reads those of smaller versions

void check_version(const Entry& description) {
    const Entry version = description.at("format_version");
    if (version.size() > kVersion)
        version.refuse("be at most " + std::to_string(kVersion) + ", what this version reads");
}

}  // namespace

std::shared_ptr<const Network> read_network(std::string_view bytes, const std::string& owner) {
    if (bytes.size() < 9 || bytes[8] != '{') complain(owner, "be a file that fastlstm wrote", "another format");
    const TensorFile file = parse_tensors(bytes, owner);
    const auto text = file.metadata.find("fastlstm");
    if (text == file.metadata.end()) {
        complain(owner, "be a file that fastlstm wrote", "a safetensors file without a description");
    }
    const std::string name = owner + ": the description";
    const Json json = parse_json(text->second, name);
    const Entry description(json, name), kind = description.at("kind");
    check_version(description);
    TensorShelf shelf(file.tensors, owner);
    auto network = std::make_shared<Network>();
    if (kind.text() == "layer") {
        add_array_layer(description, "", owner + ": " + description.at("class").text(), shelf, *network);
        shelf.check_all_taken({});
    } else if (kind.text() == "model") {
        add_keras_model(description.at("model"), shelf, *network);
        shelf.check_all_taken({"optimizer/", "state/"});
    } else {
        kind.refuse("be 'layer' or 'model'");
    }
    if (!network->last()) not_supported(owner, "have a layer that computes something", "none");
    return network;
}

}  // namespace fastlstm
