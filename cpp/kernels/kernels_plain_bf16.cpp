// Any processor: a packet is one number.
#define EIGEN_DONT_VECTORIZE
#define FASTLSTM_ISA plain_bf16
#define FASTLSTM_ISA_NAME "plain"
#include "kernels_bf16.inl.hpp"
