// Any processor: a packet is one number.
#define EIGEN_DONT_VECTORIZE
#define FASTLSTM_ISA plain
#define FASTLSTM_ISA_DESCRIPTION "one number at a time"
#include "kernels.inl.hpp"
