// _core.Stream: a step at a time, with as little as possible around the kernels.
#include <pybind11/stl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <variant>

#include "../layers/stream.hpp"
#include "array_check.hpp"
#include "handles.hpp"
#include "long_call.hpp"
#include "register.hpp"

namespace fastlstm {

namespace {

class StreamHandle {
public:
    StreamHandle(const std::vector<const WeightsHandle*>& layers, Index rows) {
        if (layers.empty()) throw py::value_error("layers must hold at least one Weights");
        for (const WeightsHandle* layer : layers) {
            if (!layer) throw py::type_error("layers must all be Weights, got None");
        }
        if (rows < 1) throw py::value_error("batch_size must be at least 1, got " + std::to_string(rows));
        std::visit([&](const auto& first) { stream_ = make(first, layers, rows); }, layers.front()->weights);
        std::visit([&](const auto& stream) { shapes_ = shapes_of(*stream, rows); }, stream_);
    }

    py::array step(const py::object& x, const py::object& out) {
        return std::visit([&](auto& stream) { return step_of(*stream, x, out); }, stream_);
    }

    // (h, c) of every layer, c None where there is none. One claim covers them all: no step can come in between.
    py::list state() {
        const Claim claim(*this);
        return std::visit([](const auto& stream) { return state_of(*stream); }, stream_);
    }

    void set_state(const std::vector<std::pair<py::object, py::object>>& state) {
        std::visit([&](auto& stream) { set_state_of(*stream, state); }, stream_);
    }

    // One step of several streams as one batch; row k of x and of the result belongs to the k-th.
    static py::array step_many(const std::vector<StreamHandle*>& handles, const py::object& x, const py::object& out) {
        if (handles.empty()) throw py::value_error("streams must hold at least one stream");
        if (std::set<StreamHandle*>(handles.begin(), handles.end()).size() != handles.size()) {
            throw py::value_error("streams must be different streams, got one twice");
        }
        std::vector<std::unique_ptr<Claim>> claims;
        for (StreamHandle* handle : handles) claims.push_back(std::make_unique<Claim>(*handle));
        return std::visit([&](auto& first) { return step_together(*first, handles, x, out); },
                          handles.front()->stream_);
    }

    void reset() {
        const Claim claim(*this, true);
        std::visit([](auto& stream) { stream->reset(); }, stream_);
    }

private:
    using Streams = std::variant<std::unique_ptr<Stream<float>>, std::unique_ptr<Stream<double>>>;

    // One thread at a time; a second one is told so. A claim made before a fork by a thread that is not in the child
    // leaves a state that may be half of a step: there only `overwrites` gets the stream.
    class Claim {
    public:
        explicit Claim(StreamHandle& handle, bool overwrites = false) : handle_(handle) {
            const unsigned mine = fork_generation() + 1;
            unsigned holder = 0;
            if (handle_.holder_.compare_exchange_strong(holder, mine)) return;
            if (holder == mine) {
                throw std::runtime_error("this stream is stepping in another thread; give every thread its own stream");
            }
            if (!overwrites) {
                throw std::runtime_error(
                    "this stream was stepping when the process was forked, and its state is lost here; reset it or set "
                    "its state");
            }
            handle_.holder_.store(mine);
        }
        ~Claim() { handle_.holder_.store(0); }
        Claim(const Claim&) = delete;
        Claim& operator=(const Claim&) = delete;

    private:
        StreamHandle& handle_;
    };

    template <class T>
    static Streams make(const std::shared_ptr<const Weights<T>>&, const std::vector<const WeightsHandle*>& layers,
                        Index rows) {
        std::vector<std::shared_ptr<const Weights<T>>> same;
        for (const WeightsHandle* layer : layers) {
            const auto* weights = std::get_if<std::shared_ptr<const Weights<T>>>(&layer->weights);
            if (!weights) throw py::type_error("layers must all have the same dtype");
            if (!same.empty() && (*weights)->input_size != same.back()->state_size) {
                throw py::value_error("layers must fit: a layer of input size " +
                                      std::to_string((*weights)->input_size) + " follows one of hidden size " +
                                      std::to_string(same.back()->state_size));
            }
            same.push_back(*weights);
        }
        return std::make_unique<Stream<T>>(std::move(same), rows);
    }

    // The shapes of x and y in a step: kept, so that a step does not make them.
    struct Shapes {
        Shape single_x, x, single_y, y;
    };

    template <class T>
    static Shapes shapes_of(const Stream<T>& stream, Index rows) {
        const py::ssize_t N = rows, I = stream.input_size(), H = stream.output_size();
        return {{I}, {N, I}, {H}, {N, H}};
    }

    // x: (I,) for a batch of one, else (N, I).
    template <class T>
    py::array step_of(Stream<T>& stream, const py::object& x, const py::object& out) {
        const bool single =
            stream.rows() == 1 && py::isinstance<py::array>(x) && py::reinterpret_borrow<py::array>(x).ndim() == 1;
        const Shape &x_shape = single ? shapes_.single_x : shapes_.x, &y_shape = single ? shapes_.single_y : shapes_.y;
        const py::array given = usable_input<T>(x, "x", x_shape, true);
        py::array y = out.is_none() ? py::array(py::array_t<T>(y_shape)) : usable_output<T>(out, "out", y_shape, true);
        const py::array in = apart_from(y, given);
        const T* from = static_cast<const T*>(in.data());
        T* to = static_cast<T*>(y.mutable_data());
        const Index x_stride = single ? 0 : stride<T>(in, 0), y_stride = single ? 0 : stride<T>(y, 0);
        const Claim claim(*this);
        if (stream.work() < kWorthReleasing) {
            stream.step(from, x_stride, to, y_stride);
        } else {
            const auto step = [&] {
                stream.step(from, x_stride, to, y_stride);
                return true;
            };
            without_gil(std::cref(step));  // by reference: a std::function of its own would allocate
        }
        return y;
    }

    template <class T>
    static py::array step_together(const Stream<T>& first, const std::vector<StreamHandle*>& handles,
                                   const py::object& x, const py::object& out) {
        std::vector<Stream<T>*> streams;
        for (StreamHandle* handle : handles) {
            auto* stream = std::get_if<std::unique_ptr<Stream<T>>>(&handle->stream_);
            if (!stream || (*stream)->rows() != 1 || !(*stream)->shares_weights(first)) {
                throw py::value_error("streams must come from one layer and have a batch size of 1");
            }
            streams.push_back(stream->get());
        }
        const Shape in_shape{static_cast<py::ssize_t>(streams.size()), static_cast<py::ssize_t>(first.input_size())};
        const Shape out_shape{in_shape[0], static_cast<py::ssize_t>(first.output_size())};
        const py::array given = usable_input<T>(x, "x", in_shape, true);
        py::array y =
            out.is_none() ? py::array(py::array_t<T>(out_shape)) : usable_output<T>(out, "out", out_shape, true);
        const py::array in = apart_from(y, given);
        const T* from = static_cast<const T*>(in.data());
        T* to = static_cast<T*>(y.mutable_data());
        const Index x_stride = stride<T>(in, 0), y_stride = stride<T>(y, 0);
        without_gil([&] {
            Stream<T> batch = Stream<T>::gathered(streams);
            batch.step(from, x_stride, to, y_stride);
            batch.scatter(streams);
            return true;
        });
        return y;
    }

    template <class T>
    static Shape h_shape(const Stream<T>& stream, Index layer) {
        return {static_cast<py::ssize_t>(stream.rows()), static_cast<py::ssize_t>(stream.state_size(layer))};
    }

    template <class T>
    static Shape c_shape(const Stream<T>& stream, Index layer) {
        return {static_cast<py::ssize_t>(stream.rows()), static_cast<py::ssize_t>(stream.hidden_size(layer))};
    }

    template <class T>
    static py::list state_of(const Stream<T>& stream) {
        py::list state;
        for (Index layer = 0; layer < stream.layers(); ++layer) {
            py::array_t<T> h(h_shape(stream, layer));
            py::object c = py::none();
            T* cells = nullptr;
            if (stream.has_cell_state(layer)) {
                py::array_t<T> array(c_shape(stream, layer));
                cells = array.mutable_data();
                c = std::move(array);
            }
            stream.read_state(layer, h.mutable_data(), cells);
            state.append(py::make_tuple(h, c));
        }
        return state;
    }

    // All layers or, if something does not fit, none.
    template <class T>
    void set_state_of(Stream<T>& stream, const std::vector<std::pair<py::object, py::object>>& state) {
        if (static_cast<Index>(state.size()) != stream.layers()) {
            throw py::value_error("state must have a pair (h, c) for each of " + std::to_string(stream.layers()) +
                                  " layers, got " + std::to_string(state.size()));
        }
        std::vector<std::pair<py::array, py::array>> checked;
        for (Index layer = 0; layer < stream.layers(); ++layer) {
            const auto& [h, c] = state[static_cast<std::size_t>(layer)];
            if (h.is_none()) throw py::type_error("h must be a NumPy array, got None");
            if (stream.has_cell_state(layer) == c.is_none()) {
                throw py::type_error(c.is_none() ? "c must be a NumPy array, got None"
                                                 : "c must be None: the layer has no cell state");
            }
            checked.emplace_back(dense_input<T>(h, "h", h_shape(stream, layer)),
                                 dense_input<T>(c, "c", c_shape(stream, layer)));
        }
        const Claim claim(*this, true);
        for (Index layer = 0; layer < stream.layers(); ++layer) {
            const auto& [h, c] = checked[static_cast<std::size_t>(layer)];
            stream.write_state(layer, static_cast<const T*>(h.data()),
                               stream.has_cell_state(layer) ? static_cast<const T*>(c.data()) : nullptr);
        }
    }

    Shapes shapes_;
    Streams stream_;
    std::atomic<unsigned> holder_{0};  // one more than the fork generation of the process whose thread uses it, or 0
};

// Where the arguments of a step do not fit; pybind11 would list signatures of C++.
py::array misused_step(const StreamHandle&, const py::args& arguments, const py::kwargs& named) {
    std::string got = std::to_string(arguments.size()) + " by place";
    for (const auto& [name, value] : named) got += ", '" + py::str(name).cast<std::string>() + "'";
    throw py::type_error("step must be called as step(x, out=None), got " + got);
}

}  // namespace

void register_stream(py::module_& module) {
    py::class_<StreamHandle>(module, "Stream")
        .def(py::init<const std::vector<const WeightsHandle*>&, Index>(), py::arg("layers"), py::arg("batch_size"))
        .def("step", &StreamHandle::step, py::arg("x"), py::arg("out") = py::none())
        .def("step", &misused_step)
        .def("state", &StreamHandle::state)
        .def("set_state", &StreamHandle::set_state, py::arg("state"))
        .def("reset", &StreamHandle::reset);
    module.def("step_many", &StreamHandle::step_many, py::arg("streams"), py::arg("x"), py::arg("out") = py::none());
}

}  // namespace fastlstm
