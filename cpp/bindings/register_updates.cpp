// _core.update, a step of an optimizer, and _core.squares.
#include <pybind11/stl.h>

#include <algorithm>

#include "../kernels/dispatch.hpp"
#include "../layers/updates.hpp"
#include "array_check.hpp"
#include "dtypes.hpp"
#include "long_call.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

constexpr Index kWeightsWorthReleasing = 50'000;  // ten microseconds or so

void check_count(const char* name, std::size_t count, std::size_t wanted, const std::string& rule) {
    if (count == wanted) return;
    throw py::value_error(std::string(name) + " must be " + std::to_string(wanted) + " for " + rule + ", got " +
                          std::to_string(count));
}

// What the step writes: the new weights, then what is kept. No two share memory.
template <class T>
std::vector<py::array> outputs_of(const py::object& next, const py::list& kept, const Shape& shape) {
    std::vector<py::array> outputs{usable_output<T>(next, "next", shape, true)};
    for (const py::handle array : kept) {
        outputs.push_back(usable_output<T>(py::reinterpret_borrow<py::object>(array), "kept: each", shape, true));
        for (std::size_t i = 0; i + 1 < outputs.size(); ++i) {
            if (may_share_memory(outputs[i], outputs.back())) {
                throw py::value_error("next and kept must not share memory with each other");
            }
        }
    }
    return outputs;
}

py::array apart_from_all(const std::vector<py::array>& outputs, py::array input) {
    for (const py::array& output : outputs) input = apart_from(output, input);
    return input;
}

// Numbers without gaps, in C order.
template <class T>
py::array in_order(const py::handle& object, const char* name) {
    const py::array array = array_of(py::reinterpret_borrow<py::object>(object), name, py::dtype::of<T>());
    const bool is_ordered = has_element_strides(array) && (array.flags() & py::array::c_style);
    return is_ordered ? array : without_gaps<T>(array);
}

// What weights and gradients are multiplied with, by gradient; none: 1.
struct Factors {
    const std::vector<double>&decays, &scales;
};

// Adds those of all gradients, and gives the arrays, which keep alive what the stretches point to.
template <class T>
std::vector<py::array> add_stretches(OptimizerStep<T>& step, const py::list& gradients, const Factors& factors,
                                     const std::vector<py::array>& outputs) {
    std::vector<py::array> arrays;
    const auto factor = [&](const std::vector<double>& of) {
        return static_cast<T>(of.empty() ? 1 : of[arrays.size()]);
    };
    Index total = 0;
    for (const py::handle gradient : gradients) {
        const T decay = factor(factors.decays), scale = factor(factors.scales);
        arrays.push_back(apart_from_all(outputs, in_order<T>(gradient, "gradients: each")));
        const py::array& g = arrays.back();
        step.stretches.push_back({static_cast<const T*>(g.data()), g.size(), decay, scale});
        total += g.size();
    }
    if (total != step.size) {
        throw py::value_error("gradients must have " + std::to_string(step.size) + " numbers, as w has, got " +
                              std::to_string(total));
    }
    return arrays;
}

template <class T>
void step(const std::string& rule, const std::vector<double>& numbers, const py::array& w, const py::list& gradients,
          const py::object& next, const py::list& kept, const Factors& factors) {
    const Update<T>& update = update_by(rule, active_kernels<T>().updates);
    check_count("numbers", numbers.size(), static_cast<std::size_t>(update.numbers), rule);
    check_count("kept", kept.size(), static_cast<std::size_t>(update.kept), rule);
    const Shape shape{w.ndim() == 1 ? w.shape(0) : -1};
    std::vector<py::array> outputs = outputs_of<T>(next, kept, shape);
    const py::array given = usable_input<T>(w, "w", shape, true);
    const py::array weights = given.data() == outputs[0].data() ? given : apart_from_all(outputs, given);
    OptimizerStep<T> wanted{
        static_cast<const T*>(weights.data()), static_cast<T*>(outputs[0].mutable_data()), {}, {}, {}, w.shape(0)};
    for (std::size_t k = 0; k < kept.size(); ++k) wanted.kept[k] = static_cast<T*>(outputs[k + 1].mutable_data());
    std::transform(numbers.begin(), numbers.end(), wanted.numbers,
                   [](double number) { return static_cast<T>(number); });
    const std::vector<py::array> read = add_stretches(wanted, gradients, factors, outputs);
    if (wanted.size < kWeightsWorthReleasing) return take_step(update, wanted);
    without_gil([&] {
        take_step(update, wanted);
        return true;
    });
}

void take(const std::string& rule, const std::vector<double>& numbers, const py::array& w, const py::list& gradients,
          const py::object& next, const py::list& kept, const std::vector<double>& decays,
          const std::vector<double>& scales) {
    if (!decays.empty()) check_count("decays", decays.size(), gradients.size(), "as many gradients");
    if (!scales.empty()) check_count("scales", scales.size(), gradients.size(), "as many gradients");
    with_element_type(w, "w", [&](auto number) {
        step<decltype(number)>(rule, numbers, w, gradients, next, kept, Factors{decays, scales});
    });
}

std::vector<double> squares_of(const std::vector<py::array>& arrays) {
    std::vector<double> found;
    for (const py::array& array : arrays) {
        found.push_back(with_element_type(array, "arrays: each", [&](auto number) {
            using T = decltype(number);
            const py::array numbers = in_order<T>(array, "arrays: each");
            return squares(active_kernels<T>(), static_cast<const T*>(numbers.data()), numbers.size());
        }));
    }
    return found;
}

}  // namespace

void register_updates(py::module_& module) {
    module.def("update", &take, py::arg("rule"), py::arg("numbers"), py::arg("w"), py::arg("gradients"),
               py::arg("next"), py::arg("kept"), py::arg("decays") = std::vector<double>(),
               py::arg("scales") = std::vector<double>());
    module.def("squares", &squares_of, py::arg("arrays"));
}

}  // namespace fastlstm
