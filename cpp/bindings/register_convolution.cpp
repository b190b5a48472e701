// _core.Convolution: packed kernel and bias, applied to windows of sequences; and their gradients.
#include <memory>
#include <utility>
#include <variant>

#include "../kernels/dispatch.hpp"
#include "../layers/convolution.hpp"
#include "arrays.hpp"
#include "dtypes.hpp"
#include "long_call.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

struct ConvolutionHandle {
    std::variant<std::shared_ptr<const Convolution<float>>, std::shared_ptr<const Convolution<double>>> convolution;
};

// Where windows lie, as Python says it.
struct Places {
    Index first, count, stride, dilation;
};

constexpr Index kFarthest = Index{1} << 40;  // so that no place overflows

Windows checked_windows(const Places& places, Index taps) {
    const auto check = [](const char* name, Index value, Index least) {
        if (value >= least && value <= kFarthest) return;
        throw py::value_error(std::string(name) + " must be from " + std::to_string(least) + " to 2**40, got " +
                              std::to_string(value));
    };
    check("first", places.first, -kFarthest);
    check("count", places.count, 0);
    check("stride", places.stride, 1);
    check("dilation", places.dilation, 1);
    const Windows windows{places.first, places.stride, places.dilation, taps, places.count};
    checked_product(places.count, places.stride, windows.span());
    return windows;
}

// Sizes of a kernel (taps, inputs of a group, outputs).
KernelSizes checked_sizes(const Shape& kernel, Index groups) {
    const bool empty = kernel[0] == 0 || kernel[1] == 0 || kernel[2] == 0;
    if (empty || groups < 1 || kernel[2] % groups != 0) {
        throw py::value_error("kernel must have no size of 0 and as many outputs for each of the groups, got shape " +
                              text_of(kernel) + " and " + std::to_string(groups) + " groups");
    }
    return {kernel[0], checked_product(kernel[1], groups), kernel[2], groups};
}

template <class T>
ConvolutionHandle make(const py::array& kernel, const py::object& bias, Index groups) {
    check_shape(kernel, "kernel", {-1, -1, -1});
    const KernelSizes sizes = checked_sizes(shape_of(kernel), groups);
    const py::array usable = dense_input<T>(kernel, "kernel", shape_of(kernel));
    const py::array b = dense_input<T>(bias, "bias", {sizes.outputs});
    return {std::make_shared<const Convolution<T>>(active_kernels<T>(), sizes, static_cast<const T*>(usable.data()),
                                                   data_or_null<T>(bias, b))};
}

ConvolutionHandle make_convolution(const py::array& kernel, const py::object& bias, Index groups) {
    return with_element_type(kernel, "kernel",
                             [&](auto number) { return make<decltype(number)>(kernel, bias, groups); });
}

// x (N, T, size) with steps one after the other; a copy if need be.
template <class T>
py::array usable_steps(const py::object& x, Index size) {
    const py::array array = usable_input<T>(x, "x", {-1, -1, static_cast<py::ssize_t>(size)}, true);
    return array.shape(1) < 2 || stride<T>(array, 1) == size ? array : without_gaps<T>(array);
}

template <class T>
Sequences<T> sequences_of(const py::array& x) {
    return {static_cast<const T*>(x.data()), x.shape(0), x.shape(1), x.shape(2), stride<T>(x, 0)};
}

// (N, count, size) as a sequence of `count` steps.
template <class T, class Pointer>
SequenceView<T> by_windows(Pointer data, const py::array& array) {
    return {static_cast<T*>(data), stride<T>(array, 1), stride<T>(array, 0)};
}

// See without_gil_if.
template <class F>
void run(const KernelSizes& sizes, Index windows, const F& work) {
    without_gil_if(checked_product(windows, sizes.depth(), sizes.outputs) >= kWorthReleasing, work);
}

template <class T>
py::array apply(const Convolution<T>& convolution, const py::object& x, const Places& places, const py::object& out) {
    const KernelSizes& sizes = convolution.sizes;
    const Windows windows = checked_windows(places, sizes.taps);
    const py::array given = usable_steps<T>(x, sizes.inputs);
    const Shape shape{given.shape(0), static_cast<py::ssize_t>(windows.count), static_cast<py::ssize_t>(sizes.outputs)};
    py::array y = out.is_none() ? empty(shape, py::dtype::of<T>()) : usable_output<T>(out, "out", shape, true);
    const py::array in = apart_from(y, given);
    const Sequences<T> sequences = sequences_of<T>(in);
    const SequenceView<T> to = by_windows<T>(y.mutable_data(), y);
    run(sizes, checked_product(sequences.rows, windows.count),
        [&](const StopRequested& stop) { return convolution.apply(sequences, windows, to, stop); });
    return y;
}

template <class T>
std::pair<py::array, py::array> gradients(const py::object& x, const py::array& dy, const KernelSizes& sizes,
                                          const Places& places) {
    const Windows windows = checked_windows(places, sizes.taps);
    const py::array in = usable_steps<T>(x, sizes.inputs);
    const py::array from = usable_input<T>(dy, "dy", {in.shape(0), windows.count, sizes.outputs}, true);
    py::array kernel = empty({sizes.taps, sizes.group_inputs(), sizes.outputs}, py::dtype::of<T>());
    py::array bias = empty({sizes.outputs}, py::dtype::of<T>());
    const Sequences<T> sequences = sequences_of<T>(in);
    const SequenceView<const T> slopes = by_windows<const T>(from.data(), from);
    const ConvolutionGradients<T> to{static_cast<T*>(kernel.mutable_data()), static_cast<T*>(bias.mutable_data())};
    run(sizes, checked_product(sequences.rows, windows.count), [&](const StopRequested& stop) {
        return convolution_backward(active_kernels<T>(), sizes, sequences, windows, slopes, to, stop);
    });
    return {kernel, bias};
}

std::pair<py::array, py::array> convolution_gradients(const py::array& x, const py::array& dy, Index taps, Index first,
                                                      Index stride, Index dilation, Index groups) {
    check_shape(x, "x", {-1, -1, -1});
    check_shape(dy, "dy", {-1, -1, -1});
    if (groups < 1 || x.shape(2) % groups != 0) {
        throw py::value_error("groups must divide the " + std::to_string(x.shape(2)) + " inputs, got " +
                              std::to_string(groups));
    }
    const KernelSizes sizes = checked_sizes({taps, x.shape(2) / groups, dy.shape(2)}, groups);
    const Places places{first, dy.shape(1), stride, dilation};
    return with_element_type(x, "x", [&](auto number) { return gradients<decltype(number)>(x, dy, sizes, places); });
}

}  // namespace

void register_convolution(py::module_& module) {
    py::class_<ConvolutionHandle>(module, "Convolution")
        .def(py::init(&make_convolution), py::arg("kernel"), py::arg("bias") = py::none(), py::kw_only(),
             py::arg("groups") = 1)
        .def(
            "__call__",
            [](const ConvolutionHandle& handle, const py::object& x, Index first, Index count, Index stride,
               Index dilation, const py::object& out) {
                const Places places{first, count, stride, dilation};
                return std::visit([&](const auto& found) { return apply(*found, x, places, out); }, handle.convolution);
            },
            py::arg("x"), py::arg("first"), py::arg("count"), py::arg("stride") = 1, py::arg("dilation") = 1,
            py::arg("out") = py::none());
    module.def("convolution_gradients", &convolution_gradients, py::arg("x"), py::arg("dy"), py::arg("taps"),
               py::arg("first"), py::arg("stride") = 1, py::arg("dilation") = 1, py::arg("groups") = 1);
}

}  // namespace fastlstm
