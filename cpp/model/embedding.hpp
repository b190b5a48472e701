// Rows of a table by their numbers.
#pragma once

#include "network.hpp"
#include "tensor_shelf.hpp"

namespace fastlstm {

// table: (rows, columns)
std::unique_ptr<Stage> make_embedding(const std::string& name, Numbers table, Index columns);

}  // namespace fastlstm
