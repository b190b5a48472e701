// _core.Weights: pack once, immutable afterwards.
#include <pybind11/stl.h>

#include <string>
#include <tuple>
#include <vector>

#include "array_check.hpp"
#include "dtypes.hpp"
#include "handles.hpp"
#include "precisions.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

// What a Weights is made of besides its two matrices.
struct Extras {
    const py::object &bias, &recurrent_bias, &weight_hr, &peepholes;
    CellOptions options;
    Precision precision;
};

void refuse_unless_lstm(const char* name, bool given, CellKind kind) {
    if (given && kind != CellKind::lstm) {
        throw py::value_error(std::string(name) + " is for an LSTM only, got it for a " + traits(kind).name);
    }
}

template <class T>
WeightsHandle pack(CellKind kind, const py::array& weight_ih, const py::array& weight_hh, const Extras& extras) {
    const py::ssize_t columns = weight_hh.ndim() == 2 ? weight_hh.shape(1) : -1;
    const py::ssize_t gates = static_cast<py::ssize_t>(traits(kind).gates);
    if (columns < 1) check_shape(weight_hh, "weight_hh", {-1, -1});
    if (columns == 0) throw py::value_error("weight_hh must have at least one hidden unit, got shape (0, 0)");
    const bool projected = !extras.weight_hr.is_none();
    py::array hr;
    if (projected) {
        hr = usable_input<T>(extras.weight_hr, "weight_hr", {columns, -1}, false);
        if (hr.shape(1) == 0) throw py::value_error("weight_hr must have at least one hidden unit, got none");
    }
    const py::ssize_t H = projected ? hr.shape(1) : columns;
    const py::array hh = usable_input<T>(weight_hh, "weight_hh", {gates * H, columns}, false);
    const py::array ih = usable_input<T>(weight_ih, "weight_ih", {gates * H, -1}, false);
    if (ih.shape(1) == 0) throw py::value_error("weight_ih must have at least one input column, got none");
    const py::array b = dense_input<T>(extras.bias, "bias", {gates * H}),
                    rb = dense_input<T>(extras.recurrent_bias, "recurrent_bias", {gates * H}),
                    p = dense_input<T>(extras.peepholes, "peepholes", {kPeepholes * H});
    CellParameters<T> parameters{kind,
                                 ih.shape(1),
                                 H,
                                 columns,
                                 matrix_view<T>(ih),
                                 matrix_view<T>(hh),
                                 data_or_null<T>(extras.bias, b),
                                 data_or_null<T>(extras.recurrent_bias, rb),
                                 {},
                                 data_or_null<T>(extras.peepholes, p),
                                 extras.options};
    if (projected) parameters.weight_hr = matrix_view<T>(hr);
    return {std::make_shared<const Weights<T>>(packing_kernels<T>(extras.precision), parameters)};
}

using ActivationList = std::vector<std::tuple<std::string, double, double>>;

// The options of a cell: `activations` of the gates, the candidate and (LSTM) the output; empty: the standard ones.
CellOptions read_options(CellKind kind, const ActivationList& activations, double clip, bool input_forget) {
    CellOptions options = standard_options(kind);
    const auto wanted = static_cast<std::size_t>(traits(kind).activations);
    if (!activations.empty() && activations.size() != wanted) {
        throw py::value_error("activations must hold " + std::to_string(wanted) + " for a " + traits(kind).name +
                              ", got " + std::to_string(activations.size()));
    }
    Activation* const places[] = {&options.gates, &options.candidate, &options.output};
    for (std::size_t k = 0; k < activations.size(); ++k) {
        const auto& [name, alpha, beta] = activations[k];
        *places[k] = {function_of(name), alpha, beta};
    }
    if (!(clip >= 0)) throw py::value_error("clip must be positive, or 0 for none, got " + std::to_string(clip));
    if (clip > 0) options.clip = clip;
    refuse_unless_lstm("input_forget", input_forget, kind);
    options.input_forget = input_forget;
    return options;
}

WeightsHandle make_weights(const std::string& cell, const py::array& weight_ih, const py::array& weight_hh,
                           const py::object& bias, const py::object& recurrent_bias, const py::object& weight_hr,
                           const py::object& peepholes, const ActivationList& activations, double clip,
                           bool input_forget, const std::string& precision) {
    CellKind kind = cell_kind(cell);
    refuse_unless_lstm("weight_hr", !weight_hr.is_none(), kind);
    refuse_unless_lstm("peepholes", !peepholes.is_none(), kind);
    const Extras extras{bias,
                        recurrent_bias,
                        weight_hr,
                        peepholes,
                        read_options(kind, activations, clip, input_forget),
                        precision_of(precision)};
    kind = with_kernels_of_its_own(kind, extras.options);
    return with_element_type(weight_ih, "weight_ih",
                             [&](auto number) { return pack<decltype(number)>(kind, weight_ih, weight_hh, extras); });
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
             py::arg("bias") = py::none(), py::arg("recurrent_bias") = py::none(), py::kw_only(),
             py::arg("weight_hr") = py::none(), py::arg("peepholes") = py::none(),
             py::arg("activations") = ActivationList{}, py::arg("clip") = 0.0, py::arg("input_forget") = false,
             py::arg("precision") = "full")
        .def_property_readonly("cell", getter<std::string>([](const auto& w) { return traits(w.kind).name; }))
        .def_property_readonly("input_size", getter<Index>([](const auto& w) { return w.input_size; }))
        .def_property_readonly("hidden_size", getter<Index>([](const auto& w) { return w.hidden_size; }))
        .def_property_readonly("state_size", getter<Index>([](const auto& w) { return w.state_size; }))
        .def_property_readonly("dtype", getter<py::dtype>(DtypeOf{}))
        .def_property_readonly("isa", getter<std::string>([](const auto& w) { return w.kernels.isa; }))
        .def_property_readonly("precision",
                               getter<std::string>([](const auto& w) { return name_of(w.kernels.precision); }))
        .def_property_readonly("nbytes", getter<Index>([](const auto& w) { return w.bytes(); }));
}

}  // namespace fastlstm
