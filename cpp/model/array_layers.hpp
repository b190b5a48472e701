// Array layers in files: a class, its constructor's arguments, and arrays by the names of PyTorch.
#pragma once

#include "entry.hpp"
#include "network.hpp"
#include "tensor_shelf.hpp"

namespace fastlstm {

// Puts what a description says on a network. The names of its arrays begin with a prefix, and errors name `name`.
void add_array_layer(const Entry& described, const std::string& prefix, const std::string& name, TensorShelf& shelf,
                     Network& network);

}  // namespace fastlstm
