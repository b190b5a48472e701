#include "softmax.hpp"

#include "float_mode.hpp"
#include "thread_pool.hpp"

namespace fastlstm {

namespace {

constexpr double kMultiplyAdds = 12;  // a number counts as so many

}  // namespace

template <class T>
void softmax(const Kernels<T>& kernels, const SoftmaxArgs<T>& args) {
    const double work = kMultiplyAdds * static_cast<double>(args.rows) * static_cast<double>(args.classes);
    share_out(args.rows, work, args.rows, [&](Index begin, Index end) {
        const FlushSubnormals mode;
        const Index first = begin * args.classes;
        kernels.softmax(
            {args.z + first, args.p + first, args.log_p ? args.log_p + first : nullptr, end - begin, args.classes});
    });
}

template void softmax(const Kernels<float>&, const SoftmaxArgs<float>&);
template void softmax(const Kernels<double>&, const SoftmaxArgs<double>&);

}  // namespace fastlstm
