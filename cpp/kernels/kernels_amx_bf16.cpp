// x86-64 with AVX-512 and matrix registers for products of bfloat16: from Sapphire Rapids on.
#if !(defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__) && \
      defined(__AVX512BF16__) && defined(__FMA__))
#error "kernels_amx_bf16.cpp needs the flags of cmake/isa.cmake: those of avx512 and -mavx512bf16"
#endif
#define FASTLSTM_ISA amx_bf16
#define FASTLSTM_ISA_NAME "amx"
#define FASTLSTM_AMX
#include "kernels_bf16.inl.hpp"
