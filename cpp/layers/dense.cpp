#include "dense.hpp"

#include <algorithm>
#include <functional>

#include "float_mode.hpp"
#include "thread_pool.hpp"

namespace fastlstm {

namespace {

constexpr Index kRowsAtATime = 64;

}  // namespace

template <class T>
Dense<T>::Dense(const Kernels<T>& packed_for, Index inputs, Index output_count, MatrixView<const T> kernel,
                const T* bias)
    : kernels(packed_for),
      input_size(inputs),
      outputs{1, output_count, packed_for.lanes},
      packed_(pack(packed_for, outputs, inputs, kernel)),
      bias_(Buffer<T>::zeroed(outputs.columns())) {
    add_bias(bias_, outputs, bias);
}

template <class T>
RoundedRows<T> Dense<T>::rounded_rows(Index rows) const {
    return {kernels, std::min(kRowsAtATime, rows), input_size};
}

template <class T>
void Dense<T>::apply(const T* x, Index x_stride, Index rows, T* y) const {
    const double work = static_cast<double>(rows) * static_cast<double>(input_size) * static_cast<double>(outputs.size);
    const auto apply_rows = [&](Index begin, Index end) {
        const Index count = end - begin;
        apply_alone(x + begin * x_stride, x_stride, count, rounded_rows(count), y + begin * outputs.size);
    };
    parallel_for(rows, work, rows / kRowsAtATime, std::cref(apply_rows));  // a copy of it would be allocated
}

template <class T>
void Dense<T>::apply_alone(const T* x, Index x_stride, Index rows, const RoundedRows<T>& rounded, T* y) const {
    const FlushSubnormals mode;
    for (Index row = 0; row < rows; row += kRowsAtATime) {
        const Index count = std::min(kRowsAtATime, rows - row);
        apply_some(x + row * x_stride, x_stride, count, rounded.rounding(), y + row * outputs.size);
    }
}

template <class T>
void Dense<T>::apply_some(const T* x, Index x_stride, Index rows, const Rounding& rounded, T* y) const {
    const T* in[kRowsAtATime];
    T* out[kRowsAtATime];
    for (Index row = 0; row < rows; ++row) {
        in[row] = x + row * x_stride;
        out[row] = y + row * outputs.size;
    }
    kernels.product({in, rows, input_size, input_size, 0, rounded, packed_.view(), bias_.data(), 0, outputs.groups(),
                     out, outputs.size});
}

template class Dense<float>;
template class Dense<double>;

}  // namespace fastlstm
