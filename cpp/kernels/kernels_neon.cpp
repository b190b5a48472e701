// Any 64-bit ARM processor.
#if !(defined(__aarch64__))
#error "kernels_neon.cpp needs the flags of cmake/isa.cmake: none"
#endif
#define FASTLSTM_ISA neon
#define FASTLSTM_ISA_DESCRIPTION "NEON, 4 float lanes"
#include "kernels.inl.hpp"
