#include "softmax.hpp"

#include "float_mode.hpp"
#include "thread_pool.hpp"

namespace fastlstm {

namespace {

constexpr double kMultiplyAdds = 12;  // a number counts as so many

template <class F>
void parallel_for_rows(Index rows, Index classes, const F& f) {
    const double work = kMultiplyAdds * static_cast<double>(rows) * static_cast<double>(classes);
    parallel_for(rows, work, rows, [&](Index begin, Index end) {
        const FlushSubnormals mode;
        f(begin, begin * classes, end - begin);
    });
}

}  // namespace

template <class T>
void softmax(const Kernels<T>& kernels, const SoftmaxArgs<T>& args) {
    parallel_for_rows(args.rows, args.classes, [&](Index, Index at, Index rows) {
        kernels.softmax({args.z + at, args.p + at, args.log_p ? args.log_p + at : nullptr, rows, args.classes});
    });
}

template <class T>
void softmax_cross_entropy(const Kernels<T>& kernels, const CrossEntropyArgs<T>& args) {
    parallel_for_rows(args.rows, args.classes, [&](Index row, Index at, Index rows) {
        kernels.softmax_cross_entropy(
            {args.z + at, args.y + at, args.p + at, args.loss + row, args.slope + at, rows, args.classes});
    });
}

template void softmax(const Kernels<float>&, const SoftmaxArgs<float>&);
template void softmax(const Kernels<double>&, const SoftmaxArgs<double>&);
template void softmax_cross_entropy(const Kernels<float>&, const CrossEntropyArgs<float>&);
template void softmax_cross_entropy(const Kernels<double>&, const CrossEntropyArgs<double>&);

}  // namespace fastlstm
