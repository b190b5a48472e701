// x86-64 with AVX2 and its products of 8 bits: Alder Lake and what came after it without AVX-512.
#if !(defined(__AVX2__) && defined(__FMA__) && defined(__AVXVNNI__) && !defined(__AVX512F__))
#error "kernels_avx2_vnni_int8.cpp needs the flags of cmake/isa.cmake: those of avx2 and -mavxvnni"
#endif
#define FASTLSTM_ISA avx2_vnni_int8
#define FASTLSTM_ISA_NAME "avx2"
#define FASTLSTM_LEFT_BYTES
#include "kernels_int8.inl.hpp"
