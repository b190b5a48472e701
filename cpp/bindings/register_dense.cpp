// _core.Dense: packed kernel and bias, applied to rows.
#include <functional>
#include <memory>
#include <variant>

#include "../layers/dense.hpp"
#include "../layers/thread_pool.hpp"
#include "array_check.hpp"
#include "dtypes.hpp"
#include "long_call.hpp"
#include "precisions.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

constexpr Index kRowsOfAThread = 64;  // as many as its products take at a time

struct DenseHandle {
    std::variant<std::shared_ptr<const Dense<float>>, std::shared_ptr<const Dense<double>>> dense;
};

template <class T>
DenseHandle make(const py::array& kernel, const py::object& bias, Precision precision) {
    check_shape(kernel, "kernel", {-1, -1});
    const py::ssize_t inputs = kernel.shape(0), outputs = kernel.shape(1);
    if (inputs == 0 || outputs == 0) {
        throw py::value_error("kernel must have at least one row and one column, got shape " +
                              text_of(shape_of(kernel)));
    }
    const py::array usable = usable_input<T>(kernel, "kernel", {inputs, outputs}, false);
    const py::array b = dense_input<T>(bias, "bias", {outputs});
    const MatrixView<const T> view = matrix_view<T>(usable);
    const MatrixView<const T> columns_first{view.data, view.column_stride, view.row_stride};
    return {std::make_shared<const Dense<T>>(packing_kernels<T>(precision), inputs, outputs, columns_first,
                                             data_or_null<T>(bias, b))};
}

DenseHandle make_dense(const py::array& kernel, const py::object& bias, const std::string& precision) {
    return with_element_type(
        kernel, "kernel", [&](auto number) { return make<decltype(number)>(kernel, bias, precision_of(precision)); });
}

// x: (N, I) to y (N, O), which may be given as an array of its own without gaps.
template <class T>
py::array apply(const Dense<T>& dense, const py::object& x, const py::object& out) {
    const py::array given = usable_input<T>(x, "x", {-1, static_cast<py::ssize_t>(dense.input_size)}, true);
    const py::ssize_t rows = given.shape(0);
    const Shape shape{rows, static_cast<py::ssize_t>(dense.outputs.size)};
    py::array y = out.is_none() ? py::array(py::array_t<T>(shape)) : usable_output<T>(out, "out", shape, true);
    if (rows > 1 && stride<T>(y, 0) != dense.outputs.size) throw py::value_error("out must be C-contiguous");
    const py::array in = apart_from(y, given);
    const T* from = static_cast<const T*>(in.data());
    T* to = static_cast<T*>(y.mutable_data());
    const Index x_stride = rows > 1 ? stride<T>(in, 0) : 0;
    const auto apply_some = [&](Index begin, Index end) {
        dense.apply(from + begin * x_stride, x_stride, end - begin, to + begin * dense.outputs.size);
    };
    const Index work = static_cast<Index>(rows) * dense.input_size * dense.outputs.size;
    if (work < kWorthReleasing) {
        apply_some(0, rows);
    } else {
        const double multiply_adds = static_cast<double>(work);
        without_gil(
            [&] { return in_parts(rows, kRowsOfAThread * num_threads(), multiply_adds, std::cref(apply_some)); });
    }
    return y;
}

}  // namespace

void register_dense(py::module_& module) {
    py::class_<DenseHandle>(module, "Dense")
        .def(py::init(&make_dense), py::arg("kernel"), py::arg("bias") = py::none(), py::kw_only(),
             py::arg("precision") = "full")
        .def(
            "__call__",
            [](const DenseHandle& handle, const py::object& x, const py::object& out) {
                return std::visit([&](const auto& dense) { return apply(*dense, x, out); }, handle.dense);
            },
            py::arg("x"), py::arg("out") = py::none());
}

}  // namespace fastlstm
