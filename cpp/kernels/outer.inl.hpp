// Outer sums, in the precision that is compiled, if it trains.
#pragma once

#if defined(FASTLSTM_BF16)
#include "outer_bf16.inl.hpp"
#elif !defined(FASTLSTM_INT8)
#include "outer_full.inl.hpp"
#endif
