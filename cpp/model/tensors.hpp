// The format safetensors: the length of a header, the header in JSON, and the bytes of the arrays without a gap.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "../layers/views.hpp"

namespace fastlstm {

using Shape = std::vector<Index>;

std::string text_of(const Shape& shape);

// An array as it lies in a file, at any address.
struct Tensor {
    std::string dtype;
    Shape shape;
    std::string_view bytes;
};

struct TensorFile {
    std::map<std::string, Tensor> tensors;
    std::map<std::string, std::string> metadata;
};

// Of the bytes of a file, which must stay. Throws FileError, which names the `owner`, unless all is as it must be.
TensorFile parse_tensors(std::string_view bytes, const std::string& owner);

// The bytes of a regular file.
std::string content_of(const std::string& path);

}  // namespace fastlstm
