// The format of this package: a safetensors file whose metadata says what the arrays are, with the version of that.
#pragma once

#include <string_view>

#include "network.hpp"

namespace fastlstm {

// The model of a file's bytes. `owner` names the file in errors: FileError, NotSupported.
std::shared_ptr<const Network> read_network(std::string_view bytes, const std::string& owner);

}  // namespace fastlstm
