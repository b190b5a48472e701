// The one kernel source, in full precision. A kernels_<isa>.cpp file defines FASTLSTM_ISA and FASTLSTM_ISA_DESCRIPTION,
// checks that its compiler flags are what it needs, and includes this; the build renames the Eigen namespace for each
// of them, so that no two objects share a symbol.
#pragma once

#include "cross_entropy.inl.hpp"
#include "make_kernels.inl.hpp"
#include "probe.inl.hpp"
#include "updates.inl.hpp"

namespace fastlstm {
namespace FASTLSTM_ISA {
namespace {

constexpr const char* kName = FASTLSTM_TEXT(FASTLSTM_ISA);

template <class T>
constexpr Kernels<T> full_kernels() {
    if constexpr (kInferenceOnly && sizeof(T) == sizeof(double)) {
        return {};
    } else {
        Kernels<T> kernels = make_kernels<T>(kName, FASTLSTM_ISA_DESCRIPTION, Precision::full, nullptr);
        if constexpr (!kInferenceOnly) {
            kernels.updates = {kUpdates<T>, kUpdateCount<T>};
            kernels.squares = squares<T>;
            kernels.softmax_cross_entropy = softmax_cross_entropy<T>;
        }
        kernels.softmax = softmax<T>;
        return kernels;
    }
}

}  // namespace

extern const KernelTable table;
constexpr KernelTable table = {kName,
                               FASTLSTM_ISA_DESCRIPTION,
                               {probe_multiply_add, kProbeFlops, probe_read},
                               full_kernels<float>(),
                               full_kernels<double>()};

}  // namespace FASTLSTM_ISA
}  // namespace fastlstm
