// What products are made of, in the precision that is compiled.
#pragma once

#if defined(FASTLSTM_INT8)
#include "operands_int8.inl.hpp"
#else
#include "operands_full.inl.hpp"
#endif
