// Any x86-64 processor.
#if !(defined(__SSE2__) && !defined(__AVX__))
#error "kernels_baseline_bf16.cpp needs the flags of cmake/isa.cmake: -msse2"
#endif
#define FASTLSTM_ISA baseline_bf16
#define FASTLSTM_ISA_NAME "baseline"
#include "kernels_bf16.inl.hpp"
