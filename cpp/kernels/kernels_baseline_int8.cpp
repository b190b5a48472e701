// Any x86-64 processor.
#if !(defined(__SSE2__) && !defined(__AVX__))
#error "kernels_baseline_int8.cpp needs the flags of cmake/isa.cmake: -msse2"
#endif
#define FASTLSTM_ISA baseline_int8
#define FASTLSTM_ISA_NAME "baseline"
#include "kernels_int8.inl.hpp"
