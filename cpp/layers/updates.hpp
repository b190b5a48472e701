// A step of an optimizer over all weights of a model.
#pragma once

#include <string>
#include <vector>

#include "../kernels/kernel_table.hpp"

namespace fastlstm {

// The one of a rule. Throws std::invalid_argument, listing the valid names, if there is none.
template <class T>
const Update<T>& update_by(const std::string& rule, const Updates<T>& updates);

// Weights side by side whose gradients are one array.
template <class T>
struct Stretch {
    const T* g;
    Index size;
    T decay, scale;  // what weights and gradients are multiplied with before the step
};

// The stretches follow each other in w, next and what is kept.
template <class T>
struct OptimizerStep {
    const T* w;
    T* next;
    T* kept[kMostKept];
    std::vector<Stretch<T>> stretches;
    T numbers[kMostNumbers];
    Index size;  // of all stretches
};

// Weights do not depend on each other, so threads share them as they come.
template <class T>
void take_step(const Update<T>& update, const OptimizerStep<T>& step);

// The sum of the squares of numbers.
template <class T>
double squares(const Kernels<T>& kernels, const T* x, Index size);

}  // namespace fastlstm
