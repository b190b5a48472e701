// Any 64-bit ARM processor.
#if !(defined(__aarch64__))
#error "kernels_neon_bf16.cpp needs the flags of cmake/isa.cmake: none"
#endif
#define FASTLSTM_ISA neon_bf16
#define FASTLSTM_ISA_NAME "neon"
#include "kernels_bf16.inl.hpp"
