// The arrays of a file as layers take them, each once.
#pragma once

#include <set>

#include "tensors.hpp"

namespace fastlstm {

using Numbers = std::vector<float>;

class TensorShelf {
public:
    TensorShelf(const std::map<std::string, Tensor>& tensors, std::string owner)
        : tensors_(tensors), owner_(std::move(owner)) {}

    // The numbers of an array of float32; without `shape` any of two axes is right.
    Numbers floats(const std::string& name, const Shape& shape);
    // Whole numbers from -127 to 127.
    Numbers whole(const std::string& name, const Shape& shape);
    // Of a matrix.
    Shape shape_of(const std::string& name) const;
    bool has(const std::string& name) const { return tensors_.count(name) > 0; }

    // Throws FileError for an array that nothing took, but for those whose names begin as one of `others` does.
    void check_all_taken(const std::vector<std::string>& others) const;

    const std::string& owner() const { return owner_; }

private:
    const Tensor& at(const std::string& name) const;
    const Tensor& taken(const std::string& name, const Shape& shape, const std::string& dtype);

    const std::map<std::string, Tensor>& tensors_;
    const std::string owner_;
    std::set<std::string> taken_;
};

}  // namespace fastlstm
