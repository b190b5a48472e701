"""ONNX Runtime: one LSTM, GRU or RNN node, time first, with and without bound buffers.

In int8 the node is its ``DynamicQuantizeLSTM``, with signed and with unsigned weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from cases import Convolution, Problem
from onnx import TensorProto, helper, numpy_helper
from workloads import Task

from contenders import Variant, reorder_gates, require

OPERATORS = {"lstm": "LSTM", "gru": "GRU"}
GATES = {"lstm": "iofg", "gru": "urn"}


def versions() -> dict[str, str]:
    return {"onnxruntime": onnxruntime.__version__}


def prepare(task: Task, threads: int) -> dict[str, Variant]:
    require(task.workload.mode in ("step", "forward"), "inference only")
    if task.convolution is not None:
        session = _session(_convolution_model(task.convolution), threads)
        return {"bound buffers": _bound_convolution(session, task.convolution)}
    if task.precision == "float32":
        return _variants(_session(make_model(task), threads), task)
    require(task.workload.case.cell == "lstm", "has no quantized layer but the LSTM")
    found = {}
    for name, dtype in (("signed", np.int8), ("unsigned", np.uint8)):
        variants = _variants(_session(make_model(task, dtype), threads), task)
        found |= {f"{name}, {way}": variant for way, variant in variants.items()}
    return found


def _session(model: onnx.ModelProto, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _variants(session: Any, task: Task) -> dict[str, Variant]:
    if task.workload.mode == "step":
        return {"bound buffers": _bound_steps(session, task), "run": _steps(session, task)}
    return {"bound buffers": _bound_forward(session, task), "run": _forward(session, task)}


def make_model(task: Task, quantized: type | None = None) -> onnx.ModelProto:
    """Build a graph of one node; its weights are constants, so that the runtime packs them once."""
    case, D = task.workload.case, task.workload.directions
    steps = 1 if task.workload.mode == "step" else case.T
    has_cell = case.cell == "lstm"
    sequence = [case.N] if task.lengths is not None else None
    state = [D, case.N, case.H]
    inputs = [_value("x", [steps, case.N, case.I]), _value("h_0", state)]
    inputs += [_value("c_0", state)] if has_cell else []
    inputs += [helper.make_tensor_value_info("lengths", TensorProto.INT32, sequence)] if sequence else []
    outputs = [_value("y", [steps, D, case.N, case.H]), _value("h_n", state)]
    outputs += [_value("c_n", state)] if has_cell else []
    names = ["x", "W", "R", "B", "lengths" if sequence else "", "h_0", *(["c_0"] if has_cell else [])]
    attributes: dict[str, Any] = {"hidden_size": case.H}
    if D == 2:
        attributes["direction"] = "bidirectional"
    if case.cell == "gru":
        attributes["linear_before_reset"] = 1  # the reset gate after the recurrent product
    elif not has_cell:
        attributes["activations"] = [case.cell.removeprefix("rnn_").capitalize()] * D
    operator, domain, weights = OPERATORS.get(case.cell, "RNN"), "", _weights(task)
    if quantized is not None:
        operator, domain, weights = "DynamicQuantizeLSTM", "com.microsoft", _quantized(weights, quantized)
        names += ["", *(value.name for value in weights[3:])]  # no peepholes
    node = helper.make_node(operator, names, [value.name for value in outputs], domain=domain, **attributes)
    graph = helper.make_graph([node], "layer", inputs, outputs, weights)
    # An intermediate representation that runtimes a few years old read too.
    versions = [helper.make_opsetid("", 14), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, ir_version=8, opset_imports=versions)


def _quantized(weights: list[onnx.TensorProto], dtype: type) -> list[onnx.TensorProto]:
    """Turn W and R into whole numbers ``(D, size, G*H)`` with a scale a column; scales and zero points come last."""
    W, R, bias = weights
    zero = 0 if dtype is np.int8 else 128
    matrices, others = [], []
    for tensor in (W, R):
        rows = numpy_helper.to_array(tensor)
        scale = np.abs(rows).max(axis=2, keepdims=True) / 127
        whole = (np.rint(rows / scale) + zero).astype(dtype).transpose(0, 2, 1)
        matrices.append(numpy_helper.from_array(np.ascontiguousarray(whole), tensor.name))
        others.append(numpy_helper.from_array(scale[..., 0], tensor.name + "_scale"))
        others.append(numpy_helper.from_array(np.full(scale.shape[:2], zero, dtype), tensor.name + "_zero"))
    return [*matrices, bias, *others]


def _convolution_model(problem: Convolution) -> onnx.ModelProto:
    """Build a graph of one node, channels before time."""
    case = problem.case
    inputs, outputs = [_value("x", [case.N, case.I, case.T])], [_value("y", [case.N, case.H, case.windows])]
    kernel = np.ascontiguousarray(problem.kernel.transpose(2, 1, 0))
    weights = [numpy_helper.from_array(kernel, "W"), numpy_helper.from_array(problem.bias, "B")]
    node = helper.make_node("Conv", ["x", "W", "B"], ["y"])
    graph = helper.make_graph([node], "layer", inputs, outputs, weights)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 14)])


def _bound_convolution(session: Any, problem: Convolution) -> Variant:
    binding = session.io_binding()
    x = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(problem.x.transpose(0, 2, 1)))
    y = onnxruntime.OrtValue.ortvalue_from_numpy(np.empty(problem.dy.transpose(0, 2, 1).shape, np.float32))
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)
    return Variant(lambda: session.run_with_iobinding(binding), lambda _: {"y": y.numpy().transpose(0, 2, 1)})


def _value(name: str, shape: list[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _weights(task: Task) -> list[onnx.TensorProto]:
    def ordered(array: Any) -> Any:
        order = GATES.get(task.workload.case.cell)
        return array if order is None else reorder_gates(array, order)

    def biases(problem: Problem) -> Any:
        recurrent = np.zeros_like(problem.bias) if problem.recurrent_bias is None else problem.recurrent_bias
        return np.concatenate([ordered(problem.bias), ordered(recurrent)])

    arrays = {
        "W": np.stack([ordered(p.weight_ih) for p in task.problems]),
        "R": np.stack([ordered(p.weight_hh) for p in task.problems]),
        "B": np.stack([biases(p) for p in task.problems]),
    }
    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


def _initial(task: Task) -> dict[str, Any]:
    state = {"h_0": np.stack([p.h_0 for p in task.problems])}
    if task.problem.c_0 is not None:
        state["c_0"] = np.stack([p.c_0 for p in task.problems])
    return state


def _feeds(task: Task) -> dict[str, Any]:
    lengths = {} if task.lengths is None else {"lengths": task.lengths.astype(np.int32)}
    return {"x": task.problem.x, **_initial(task), **lengths}


def _read(found: Any) -> dict[str, Any]:
    """Take y (T, D, N, H) to (T, N, D*H)."""
    y, h_n = found[:2]
    return {"y": y.transpose(0, 2, 1, 3).reshape(len(y), y.shape[2], -1), "h_n": h_n}


def _forward(session: Any, task: Task) -> Variant:
    feeds = _feeds(task)
    return Variant(lambda: session.run(None, feeds), _read)


def _bound_forward(session: Any, task: Task) -> Variant:
    binding = session.io_binding()
    values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in _feeds(task).items()}
    for name, value in values.items():
        binding.bind_ortvalue_input(name, value)
    results = []
    for output in session.get_outputs():
        results.append(onnxruntime.OrtValue.ortvalue_from_numpy(np.empty(output.shape, np.float32)))
        binding.bind_ortvalue_output(output.name, results[-1])

    def run() -> None:
        session.run_with_iobinding(binding)

    return Variant(run, lambda _: _read([result.numpy() for result in results]))


def _read_steps(y: list[Any], task: Task) -> dict[str, Any]:
    stacked = np.stack(y).reshape(task.problem.dy.shape)
    return {"y": stacked, "h_n": stacked[-1:]}


def _steps(session: Any, task: Task) -> Variant:
    initial = _initial(task)
    steps = [x_t[None] for x_t in task.problem.x]
    names = list(initial)

    def run() -> list[Any]:
        feeds, y = dict(initial), []
        for x_t in steps:
            feeds["x"] = x_t
            h, *states = session.run(None, feeds)
            feeds.update(zip(names, states, strict=True))
            y.append(h)
        return y

    return Variant(run, lambda y: _read_steps(y, task))


def _bound_steps(session: Any, task: Task) -> Variant:
    """Alternate between two bindings, the states one writes being those the other reads."""
    initial = _initial(task)
    buffers = [[onnxruntime.OrtValue.ortvalue_from_numpy(array.copy()) for array in initial.values()] for _ in range(2)]
    x = np.empty((1, *task.problem.x.shape[1:]), np.float32)
    x_value = onnxruntime.OrtValue.ortvalue_from_numpy(x)  # shares the array's memory
    y_value = onnxruntime.OrtValue.ortvalue_from_numpy(np.empty((1, 1, *task.problem.h_0.shape), np.float32))
    y_view = y_value.numpy()
    bindings = []
    for now, after in ((0, 1), (1, 0)):
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", x_value)
        binding.bind_ortvalue_output("y", y_value)
        for name, read_from, write_to in zip(initial, buffers[now], buffers[after], strict=True):
            binding.bind_ortvalue_input(name, read_from)
            binding.bind_ortvalue_output(name.replace("_0", "_n"), write_to)
        bindings.append(binding)

    def run() -> list[Any]:
        y = []
        for value, array in zip(buffers[0], initial.values(), strict=True):
            value.update_inplace(array)
        for t, x_t in enumerate(task.problem.x):
            x[0] = x_t
            session.run_with_iobinding(bindings[t % 2])
            y.append(y_view.copy())
        return y

    return Variant(run, lambda y: _read_steps(y, task))
