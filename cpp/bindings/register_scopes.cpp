// _core.Scope.
#include "register.hpp"

namespace fastlstm {

namespace py = pybind11;

namespace {

// For the time of a `with` block a context variable has another value. Python lets handlers of signals run, which may
// raise, at the first line of a function, be it the __exit__ that puts back what was before. This one has no lines.
class Scope {
public:
    Scope(py::object variable, py::object value) : variable_(std::move(variable)), value_(std::move(value)) {}

    py::object enter() {
        PyObject* before = nullptr;
        if (PyContextVar_Get(variable_.ptr(), nullptr, &before) != 0) throw py::error_already_set();
        before_ = py::reinterpret_steal<py::object>(before);
        set(value_);
        return value_;
    }

    // Without the token of Python: a generator that is closed elsewhere has another context than where it entered.
    void exit() const { set(before_); }

private:
    void set(const py::object& value) const {
        if (!py::reinterpret_steal<py::object>(PyContextVar_Set(variable_.ptr(), value.ptr()))) {
            throw py::error_already_set();
        }
    }

    py::object variable_, value_, before_;
};

}  // namespace

void register_scopes(py::module_& module) {
    py::class_<Scope>(module, "Scope")
        .def(py::init<py::object, py::object>(), py::arg("variable"), py::arg("value"))
        .def("__enter__", &Scope::enter)
        .def("__exit__", [](const Scope& scope, const py::args&) { scope.exit(); });
}

}  // namespace fastlstm
