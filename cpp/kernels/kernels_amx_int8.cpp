// x86-64 with AVX-512 and matrix registers for products of 8 bits: from Sapphire Rapids on.
#if !(defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__) && \
      defined(__AVX512VNNI__) && defined(__FMA__))
#error "kernels_amx_int8.cpp needs the flags of cmake/isa.cmake: those of avx512 and -mavx512vnni"
#endif
#define FASTLSTM_ISA amx_int8
#define FASTLSTM_ISA_NAME "amx"
#define FASTLSTM_AMX
#define FASTLSTM_LEFT_BYTES
#include "kernels_int8.inl.hpp"
