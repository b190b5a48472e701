// One layer of the Keras surface: its config, and where its weights are.
#pragma once

#include <initializer_list>
#include <optional>

#include "elementwise.hpp"
#include "entry.hpp"
#include "recurrent_stage.hpp"
#include "tensor_shelf.hpp"

namespace fastlstm {

struct KerasLayer {
    std::string class_name, name;  // the latter with the file, for errors
    Entry config;
    std::string path;  // of its weights
    TensorShelf& shelf;

    // `entry` is of an object of class_name and config.
    KerasLayer(const Entry& entry, const std::string& path, TensorShelf& shelf);
    // The same layer with its weights at a place inside it.
    KerasLayer within(const std::string& part) const;

    // Throws NotSupported for settings other than those that are read or are for training alone.
    void check_settings(std::initializer_list<const char*> own) const;
    Precision precision() const;
    Activation activation(const char* setting) const;
    RowFunction function() const;  // the setting "activation", which may be softmax

    // The number-th weight: floats; or (rows, columns), which may be whole numbers divided by the scales of their
    // columns, the scale-th weight.
    Numbers floats(int number, const Shape& shape) const;
    Numbers matrix(int number, int scale, Index rows, Index columns) const;
    Numbers table(Index rows, Index columns) const;  // the first weight, with a scale for every row
    Shape shape_of(int number) const;

private:
    std::string variable(int number) const;
};

// A cell of LSTM, GRU or SimpleRNN, the layer of which it is in.
SharedWeights keras_cell(const KerasLayer& layer);

}  // namespace fastlstm
