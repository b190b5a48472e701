// x86-64 with AVX-512 F, BW, DQ and VL.
#if !(defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__))
#error "kernels_avx512_int8.cpp needs the flags of cmake/isa.cmake: -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma"
#endif
#define FASTLSTM_ISA avx512_int8
#define FASTLSTM_ISA_NAME "avx512"
#include "kernels_int8.inl.hpp"
