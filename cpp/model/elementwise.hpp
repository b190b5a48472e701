// What layers do with numbers that are there: activation functions, softmax.
#pragma once

#include <optional>
#include <string>

#include "network.hpp"

namespace fastlstm {

// A function of the numbers of a row, in place.
class RowFunction {
public:
    enum class Kind { nothing, tanh, sigmoid, softmax, other };

    RowFunction() = default;
    explicit RowFunction(const Activation& activation);
    static RowFunction softmax();

    bool does_nothing() const { return kind_ == Kind::nothing; }
    // Rows of `size` numbers, one after the other, by the calling thread.
    void apply(float* y, Index rows, Index size) const;

private:
    Kind kind_ = Kind::nothing;
    Activation activation_{};
    const Kernels<float>* kernels_ = nullptr;
};

// A RowFunction as a layer of its own; one that does nothing is a layer like Dropout, or one at its own time.
std::unique_ptr<Stage> make_function(const std::string& name, Index size, const RowFunction& function);

// The last time step of a sequence.
std::unique_ptr<Stage> make_last_step(const std::string& name, Index size);

}  // namespace fastlstm
