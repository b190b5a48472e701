// _core.adam.
#include "../layers/adam.hpp"
#include "array_check.hpp"
#include "dtypes.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

struct AdamRates {
    double beta_1, beta_2, epsilon, rate;
};

template <class T>
void step(const py::array& w, const py::object& g, const py::object& next, const py::object& m, const py::object& v,
          const py::object& largest, const AdamRates& rates) {
    const Shape shape{w.ndim() == 1 ? w.shape(0) : -1};
    const auto written = [&](const py::object& array, const char* name) {
        return usable_output<T>(array, name, shape, true);
    };
    py::array outputs[] = {written(next, "next"), written(m, "m"), written(v, "v"),
                           largest.is_none() ? py::array() : written(largest, "largest")};
    py::array inputs[] = {usable_input<T>(w, "w", shape, true), usable_input<T>(g, "g", shape, true)};
    for (const py::array& output : outputs) {
        for (py::array& input : inputs) input = apart_from(output, input);
        for (const py::array& other : outputs) {
            if (&other != &output && may_share_memory(other, output)) {
                throw py::value_error("next, m, v and largest must not share memory with each other");
            }
        }
    }
    const auto data = [](py::array& array) { return static_cast<T*>(array.mutable_data()); };
    step_adam(AdamStep<T>{static_cast<const T*>(inputs[0].data()), static_cast<const T*>(inputs[1].data()),
                          data(outputs[0]), data(outputs[1]), data(outputs[2]),
                          largest.is_none() ? nullptr : data(outputs[3]), w.shape(0), static_cast<T>(1 - rates.beta_1),
                          static_cast<T>(1 - rates.beta_2), static_cast<T>(rates.epsilon), static_cast<T>(rates.rate)});
}

void adam(const py::array& w, const py::object& g, const py::object& next, const py::object& m, const py::object& v,
          double beta_1, double beta_2, double epsilon, double rate, const py::object& largest) {
    const AdamRates rates{beta_1, beta_2, epsilon, rate};
    with_element_type(w, "w", [&](auto number) { step<decltype(number)>(w, g, next, m, v, largest, rates); });
}

}  // namespace

void register_adam(py::module_& module) {
    module.def("adam", &adam, py::arg("w"), py::arg("g"), py::arg("next"), py::arg("m"), py::arg("v"),
               py::arg("beta_1"), py::arg("beta_2"), py::arg("epsilon"), py::arg("rate"),
               py::arg("largest") = py::none());
}

}  // namespace fastlstm
