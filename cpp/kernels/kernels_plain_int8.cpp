// Any processor: a packet is one number.
#define EIGEN_DONT_VECTORIZE
#define FASTLSTM_ISA plain_int8
#define FASTLSTM_ISA_NAME "plain"
#include "kernels_int8.inl.hpp"
