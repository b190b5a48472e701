#include "tensor_shelf.hpp"

#include <algorithm>
#include <cstring>

#include "complaints.hpp"
#include "json.hpp"

namespace fastlstm {

const Tensor& TensorShelf::at(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) complain(owner_, "have the array " + shown(name), "none of that name");
    return found->second;
}

const Tensor& TensorShelf::taken(const std::string& name, const Shape& shape, const std::string& dtype) {
    const Tensor& tensor = at(name);
    const std::string owner = owner_ + ": " + shown(name);
    if (tensor.shape != shape) complain(owner, "have shape " + text_of(shape), text_of(tensor.shape));
    if (tensor.dtype != dtype) not_supported(owner + ": dtype", "be " + dtype, tensor.dtype);
    taken_.insert(name);
    return tensor;
}

Shape TensorShelf::shape_of(const std::string& name) const {
    const Shape& shape = at(name).shape;
    if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1) {
        complain(owner_ + ": " + shown(name), "have two axes without a 0", text_of(shape));
    }
    return shape;
}

Numbers TensorShelf::floats(const std::string& name, const Shape& shape) {
    const std::string_view bytes = taken(name, shape, "F32").bytes;
    Numbers numbers(bytes.size() / sizeof(float));
    if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
}

Numbers TensorShelf::whole(const std::string& name, const Shape& shape) {
    Numbers numbers;
    for (const char byte : taken(name, shape, "I8").bytes)
        numbers.push_back(static_cast<float>(static_cast<signed char>(byte)));
    if (std::find(numbers.begin(), numbers.end(), -128.0f) != numbers.end()) {
        complain(owner_ + ": " + shown(name), "hold whole numbers from -127 to 127", "-128");
    }
    return numbers;
}

void TensorShelf::check_all_taken(const std::vector<std::string>& others) const {
    for (const auto& [name, tensor] : tensors_) {
        const auto begins = [&, &all = name](const std::string& other) {
            return all.compare(0, other.size(), other) == 0;
        };
        if (taken_.count(name) || std::any_of(others.begin(), others.end(), begins)) continue;
        complain(owner_ + ": " + shown(name), "be the array of a layer", "one that no layer has");
    }
}

}  // namespace fastlstm
