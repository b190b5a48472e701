// x86-64 with AVX-512 and its products of 16 bits: from Ice Lake and Zen 4 on.
#if !(defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__) && \
      defined(__AVX512VNNI__) && defined(__FMA__))
#error "kernels_avx512_vnni_int16.cpp needs the flags of cmake/isa.cmake: those of avx512 and -mavx512vnni"
#endif
#define FASTLSTM_ISA avx512_vnni_int16
#define FASTLSTM_ISA_NAME "avx512"
#include "kernels_int8.inl.hpp"
