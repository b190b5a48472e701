// Instruction sets, threads, build facts, and the activation functions by themselves.
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <string>

#include "../kernels/dispatch.hpp"
#include "../layers/buffer.hpp"
#include "../layers/cell.hpp"
#include "../layers/float_mode.hpp"
#include "../layers/processors.hpp"
#include "../layers/thread_pool.hpp"
#include "array_check.hpp"
#include "dtypes.hpp"
#include "precisions.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

std::vector<std::string> names_of(const std::vector<const KernelTable*>& tables) {
    std::vector<std::string> names;
    for (const KernelTable* table : tables) names.emplace_back(table->name);
    return names;
}

#if defined(__OPTIMIZE__)
constexpr const char* kOptimized = "yes";
#else
constexpr const char* kOptimized = "no";  // but for the kernels, which always are
#endif

std::map<std::string, std::string> build_config() {
    std::map<std::string, std::string> config{{"version", FASTLSTM_VERSION},
                                              {"compiler", FASTLSTM_COMPILER},
                                              {"flags", FASTLSTM_FLAGS},
                                              {"optimized", kOptimized}};
    for (const KernelTable* table : built_tables()) config["isa " + std::string(table->name)] = table->description;
    return config;
}

// Of the active instruction set and float32.
std::string kernel_description(const std::string& precision) {
    return active_kernels<float>(precision_of(precision)).description;
}

template <class T>
py::array activate(const std::string& name, const py::array& x) {
    const Kernels<T>& kernels = active_kernels<T>();
    const auto function = name == "tanh" ? kernels.tanh : name == "sigmoid" ? kernels.sigmoid : nullptr;
    if (!function) throw py::value_error("name must be 'tanh' or 'sigmoid', got '" + name + "'");
    const py::array dense = without_gaps<T>(x);
    py::array_t<T> y(shape_of(dense));
    const FlushSubnormals mode;
    function(static_cast<const T*>(dense.data()), y.mutable_data(), static_cast<Index>(dense.size()));
    return y;
}

py::array activation(const std::string& name, const py::array& x) {
    return with_element_type(x, "x", [&](auto number) { return activate<decltype(number)>(name, x); });
}

template <class T>
py::tuple grade(const Activation& activation, const py::array& x) {
    const py::array dense = without_gaps<T>(x);
    py::array_t<T> y(shape_of(dense)), slope(shape_of(dense));
    const FlushSubnormals mode;
    active_kernels<T>().activate(activation, static_cast<const T*>(dense.data()), y.mutable_data(),
                                 slope.mutable_data(), static_cast<Index>(dense.size()));
    return py::make_tuple(y, slope);
}

py::tuple general_activation(const std::string& name, double alpha, double beta, const py::array& x) {
    const Activation activation{function_of(name), alpha, beta};
    return with_element_type(x, "x", [&](auto number) { return grade<decltype(number)>(activation, x); });
}

// Runs work() a few times and returns its shortest time in seconds.
template <class F>
double shortest(const F& work) {
    using Clock = std::chrono::steady_clock;
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 5; ++i) {
        const Clock::time_point start = Clock::now();
        work();
        best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    }
    return best;
}

double measure_multiply_add() {
    constexpr Index kRounds = 400'000;
    const Probe& probe = active_table().probe;
    volatile float sink = 0;
    const double seconds = shortest([&] { sink = probe.multiply_add(kRounds); });
    return static_cast<double>(kRounds * probe.flops) / seconds;
}

// Reads a block again and again, to and fro as the time loop does: where one reading ended the next one begins, and
// finds what the cache still has.
double measure_read_bandwidth(Index bytes) {
    constexpr Index kStep = 1024, kAtLeast = Index{1} << 26;  // numbers in the longest step; bytes read in one timing
    constexpr Index kPiece = 8 * kStep;
    if (bytes < 1 || bytes > Index{1} << 32) throw py::value_error("bytes must lie between 1 and 2**32");
    const Index size = (bytes / Index{sizeof(float)} + kStep - 1) / kStep * kStep;
    const auto numbers = Buffer<float>::zeroed(size);
    const Index passes = std::max<Index>(1, kAtLeast / bytes);
    volatile float sink = 0;
    const double seconds = shortest([&] {
        for (Index pass = 0; pass < passes; ++pass) {
            for (Index done = 0; done < size; done += kPiece) {
                const Index length = std::min(kPiece, size - done), first = pass % 2 ? size - done - length : done;
                sink = active_table().probe.read(numbers.data() + first, length);
            }
        }
    });
    return static_cast<double>(passes * size) * sizeof(float) / seconds;
}

}  // namespace

void register_runtime(py::module_& module) {
    module.def("built_isas", [] { return names_of(built_tables()); });
    module.def("available_isas", [] { return names_of(available_tables()); });
    module.def("active_isa", [] { return std::string(active_table().name); });
    module.def("set_isa", &set_active_table, py::arg("name"));
    module.def("kernel_description", &kernel_description, py::arg("precision"));
    module.def("get_num_threads", &num_threads);
    module.def("set_num_threads", &set_num_threads, py::arg("n"));
    module.def("granted_threads", &granted_threads);
    module.def("processors", &processors, py::arg("root") = "");
    module.def("build_config", &build_config);
    module.def("measure_multiply_add", &measure_multiply_add);
    module.def("measure_read_bandwidth", &measure_read_bandwidth, py::arg("bytes"));
    module.def("activation", &activation, py::arg("name"), py::arg("x"));
    module.def("general_activation", &general_activation, py::arg("name"), py::arg("alpha"), py::arg("beta"),
               py::arg("x"));
}

}  // namespace fastlstm
