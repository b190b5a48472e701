// A product, a bias and an activation.
#pragma once

#include "../layers/dense.hpp"
#include "elementwise.hpp"

namespace fastlstm {

std::unique_ptr<Stage> make_dense(const std::string& name, std::unique_ptr<const Dense<float>> dense,
                                  const RowFunction& activation);

}  // namespace fastlstm
