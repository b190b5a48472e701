// _core.softmax, _core.softmax_and_log and _core.softmax_cross_entropy, over the last axis.
#include "../kernels/dispatch.hpp"
#include "../layers/softmax.hpp"
#include "array_check.hpp"
#include "dtypes.hpp"
#include "long_call.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

constexpr Index kNumbersWorthReleasing = 10'000;  // ten microseconds or so

// See without_gil_if.
template <class Run>
void run_numbers(py::ssize_t numbers, const Run& run) {
    if (numbers > 0) without_gil_if(numbers >= kNumbersWorthReleasing, run);
}

template <class T>
void run(const py::array& x, py::array& p, py::array* log_p) {
    const Index classes = x.shape(x.ndim() - 1);
    if (classes == 0) return;
    const SoftmaxArgs<T> args{static_cast<const T*>(x.data()), static_cast<T*>(p.mutable_data()),
                              log_p ? static_cast<T*>(log_p->mutable_data()) : nullptr, x.size() / classes, classes};
    const Kernels<T>& kernels = active_kernels<T>();
    run_numbers(x.size(), [&](const StopRequested& stop) { return softmax(kernels, args, stop); });
}

void check_axes(const py::array& x) {
    if (x.ndim() == 0) throw py::value_error("x must have an axis at least, got a number");
}

template <class T>
py::array_t<T> output_like(const py::array& x) {
    return py::array_t<T>(shape_of(x));
}

// Numbers without gaps that are the output's own or share no memory with it.
template <class T>
py::array input_for(const py::array& x, const py::array& output) {
    const py::array dense = without_gaps<T>(x);
    return dense.data() == output.data() ? dense : apart_from(output, dense);
}

py::array softmax_of(const py::array& x, const py::object& out) {
    check_axes(x);
    return with_element_type(x, "x", [&](auto number) -> py::array {
        using T = decltype(number);
        py::array p = out.is_none() ? output_like<T>(x) : usable_output<T>(out, "out", shape_of(x), true);
        if (!(p.flags() & py::array::c_style)) throw py::value_error("out must have no gaps");
        run<T>(input_for<T>(x, p), p, nullptr);
        return p;
    });
}

py::tuple softmax_and_log(const py::array& x) {
    check_axes(x);
    return with_element_type(x, "x", [&](auto number) {
        using T = decltype(number);
        py::array p = output_like<T>(x), log_p = output_like<T>(x);
        run<T>(without_gaps<T>(x), p, &log_p);
        return py::make_tuple(p, log_p);
    });
}

py::tuple cross_entropy(const py::array& x, const py::object& labels) {
    check_axes(x);
    const Shape shape = shape_of(x);
    if (shape.back() == 0) throw py::value_error("x must have at least one class, got shape " + text_of(shape));
    return with_element_type(x, "x", [&](auto number) -> py::tuple {
        using T = decltype(number);
        const py::array z = without_gaps<T>(x), y = without_gaps<T>(usable_input<T>(labels, "labels", shape, false));
        py::array_t<T> losses(Shape(shape.begin(), shape.end() - 1)), p = output_like<T>(x), slopes = output_like<T>(x);
        const CrossEntropyArgs<T> args{
            static_cast<const T*>(z.data()), static_cast<const T*>(y.data()), p.mutable_data(), losses.mutable_data(),
            slopes.mutable_data(),           x.size() / shape.back(),         shape.back()};
        const Kernels<T>& kernels = active_kernels<T>();
        run_numbers(x.size(), [&](const StopRequested& stop) { return softmax_cross_entropy(kernels, args, stop); });
        return py::make_tuple(losses, p, slopes);
    });
}

}  // namespace

void register_softmax(py::module_& module) {
    module.def("softmax", &softmax_of, py::arg("x"), py::arg("out") = py::none());
    module.def("softmax_and_log", &softmax_and_log, py::arg("x"));
    module.def("softmax_cross_entropy", &cross_entropy, py::arg("x"), py::arg("labels"));
}

}  // namespace fastlstm
