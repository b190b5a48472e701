// _core.Weights: pack once, immutable afterwards.
#include "../kernels/dispatch.hpp"
#include "array_check.hpp"
#include "handles.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

template <class T>
WeightsHandle pack(CellKind kind, const py::array& weight_ih, const py::array& weight_hh, const py::object& bias,
                   const py::object& recurrent_bias) {
    const py::ssize_t columns = weight_hh.ndim() == 2 ? weight_hh.shape(1) : -1;
    const py::ssize_t gates = static_cast<py::ssize_t>(gate_count(kind));
    if (columns < 1) check_shape(weight_hh, "weight_hh", {-1, -1});
    if (columns == 0) throw py::value_error("weight_hh must have at least one hidden unit, got shape (0, 0)");
    const py::array hh = usable_input<T>(weight_hh, "weight_hh", {gates * columns, columns}, false);
    const py::array ih = usable_input<T>(weight_ih, "weight_ih", {gates * columns, -1}, false);
    if (ih.shape(1) == 0) throw py::value_error("weight_ih must have at least one input column, got none");
    const py::array b = dense_input<T>(bias, "bias", {gates * columns}),
                    rb = dense_input<T>(recurrent_bias, "recurrent_bias", {gates * columns});
    return {std::make_shared<const Weights<T>>(active_table(), kind, ih.shape(1), columns, matrix_view<T>(ih),
                                               matrix_view<T>(hh), data_or_null<T>(bias, b),
                                               data_or_null<T>(recurrent_bias, rb))};
}

WeightsHandle make_weights(const std::string& cell, const py::array& weight_ih, const py::array& weight_hh,
                           const py::object& bias, const py::object& recurrent_bias) {
    const CellKind kind = cell_kind(cell);
    const py::dtype dtype = weight_ih.dtype();
    if (dtype.kind() == 'f' && dtype.itemsize() == 4)
        return pack<float>(kind, weight_ih, weight_hh, bias, recurrent_bias);
    if (dtype.kind() == 'f' && dtype.itemsize() == 8)
        return pack<double>(kind, weight_ih, weight_hh, bias, recurrent_bias);
    throw py::type_error("weight_ih must have dtype float32 or float64, got " + py::str(dtype).cast<std::string>());
}

template <class Result, class F>
auto getter(const F& f) {
    return [f](const WeightsHandle& handle) {
        return std::visit([&](const auto& weights) { return Result(f(*weights)); }, handle.weights);
    };
}

struct DtypeOf {
    template <class T>
    py::dtype operator()(const Weights<T>&) const {
        return py::dtype::of<T>();
    }
};

}  // namespace

void register_weights(py::module_& module) {
    py::class_<WeightsHandle>(module, "Weights")
        .def(py::init(&make_weights), py::arg("cell"), py::arg("weight_ih"), py::arg("weight_hh"),
             py::arg("bias") = py::none(), py::arg("recurrent_bias") = py::none())
        .def_property_readonly("cell", getter<std::string>([](const auto& w) { return cell_name(w.kind); }))
        .def_property_readonly("input_size", getter<Index>([](const auto& w) { return w.input_size; }))
        .def_property_readonly("hidden_size", getter<Index>([](const auto& w) { return w.hidden_size; }))
        .def_property_readonly("dtype", getter<py::dtype>(DtypeOf{}))
        .def_property_readonly("isa", getter<std::string>([](const auto& w) { return w.table.name; }))
        .def_property_readonly("nbytes", getter<Index>([](const auto& w) { return w.bytes(); }));
}

}  // namespace fastlstm
