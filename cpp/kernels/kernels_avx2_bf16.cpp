// x86-64 from 2013 on.
#if !(defined(__AVX2__) && defined(__FMA__) && !defined(__AVX512F__))
#error "kernels_avx2_bf16.cpp needs the flags of cmake/isa.cmake: -mavx2 -mfma"
#endif
#define FASTLSTM_ISA avx2_bf16
#define FASTLSTM_ISA_NAME "avx2"
#include "kernels_bf16.inl.hpp"
