// Precisions by their names in files, and arrays in them as numbers of float32.
#pragma once

#include "entry.hpp"
#include "tensor_shelf.hpp"

namespace fastlstm {

// "int8", "int8_int16" or "bfloat16".
Precision precision_of(const Entry& name);

// Whether weights of a precision are whole numbers in files.
inline bool is_whole(Precision precision) { return precision == Precision::int8 || precision == Precision::int8_int16; }

// Numbers rounded to bfloat16, ties to even; a NaN stays.
void round_to_bfloat16(Numbers& numbers);

}  // namespace fastlstm
