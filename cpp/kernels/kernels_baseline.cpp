// Any x86-64 processor.
#if !(defined(__SSE2__) && !defined(__AVX__))
#error "kernels_baseline.cpp needs the flags of cmake/isa.cmake: -msse2"
#endif
#define FASTLSTM_ISA baseline
#define FASTLSTM_ISA_DESCRIPTION "SSE2, 4 float lanes"
#include "kernels.inl.hpp"
