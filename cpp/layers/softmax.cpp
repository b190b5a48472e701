#include "softmax.hpp"

#include <algorithm>
#include <utility>

#include "float_mode.hpp"
#include "thread_pool.hpp"

namespace fastlstm {

namespace {

constexpr double kMultiplyAdds = 12;          // a number counts as so many
constexpr Index kNumbersAtATime = 1'000'000;  // a millisecond or so

template <class F>
bool parallel_for_rows(Index rows, Index classes, StopRequested stop_requested, const F& f) {
    const double work = kMultiplyAdds * static_cast<double>(rows) * static_cast<double>(classes);
    const Index part = std::max<Index>(1, kNumbersAtATime / classes);
    return parallel_for(rows, work, rows, part, std::move(stop_requested), [&](Index begin, Index end) {
        const FlushSubnormals mode;
        f(begin, begin * classes, end - begin);
    });
}

}  // namespace

template <class T>
bool softmax(const Kernels<T>& kernels, const SoftmaxArgs<T>& args, StopRequested stop_requested) {
    return parallel_for_rows(args.rows, args.classes, std::move(stop_requested), [&](Index, Index at, Index rows) {
        kernels.softmax({args.z + at, args.p + at, args.log_p ? args.log_p + at : nullptr, rows, args.classes});
    });
}

template <class T>
bool softmax_cross_entropy(const Kernels<T>& kernels, const CrossEntropyArgs<T>& args, StopRequested stop_requested) {
    return parallel_for_rows(args.rows, args.classes, std::move(stop_requested), [&](Index row, Index at, Index rows) {
        kernels.softmax_cross_entropy(
            {args.z + at, args.y + at, args.p + at, args.loss + row, args.slope + at, rows, args.classes});
    });
}

template bool softmax(const Kernels<float>&, const SoftmaxArgs<float>&, StopRequested);
template bool softmax(const Kernels<double>&, const SoftmaxArgs<double>&, StopRequested);
template bool softmax_cross_entropy(const Kernels<float>&, const CrossEntropyArgs<float>&, StopRequested);
template bool softmax_cross_entropy(const Kernels<double>&, const CrossEntropyArgs<double>&, StopRequested);

}  // namespace fastlstm
