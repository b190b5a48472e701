// Models of the Keras surface in files: layers on top of each other, weights by their paths.
#pragma once

#include "entry.hpp"
#include "network.hpp"
#include "tensor_shelf.hpp"

namespace fastlstm {

// Puts the layers of a Sequential, or of a Functional in which one follows the other, on a network.
void add_keras_model(const Entry& model, TensorShelf& shelf, Network& network);

}  // namespace fastlstm
