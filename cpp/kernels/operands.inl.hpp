// What products are made of, in the precision that is compiled.
#pragma once

#if defined(FASTLSTM_INT8)
#include "operands_int8.inl.hpp"
#elif defined(FASTLSTM_BF16)
#include "operands_bf16.inl.hpp"
#else
#include "operands_full.inl.hpp"
#endif
