// x86-64 from 2013 on.
#if !(defined(__AVX2__) && defined(__FMA__) && !defined(__AVX512F__))
#error "kernels_avx2.cpp needs the flags of cmake/isa.cmake: -mavx2 -mfma"
#endif
#define FASTLSTM_ISA avx2
#define FASTLSTM_ISA_DESCRIPTION "AVX2 and FMA, 8 float lanes"
#include "kernels.inl.hpp"
