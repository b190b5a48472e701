"""OpenVINO: its sequence operations, batch first as they want it, in float32 where its default would be bf16.

In int8 the operands of the LSTM are quantized by NNCF, where that is installed, over the numbers that are timed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
from cases import Convolution, Problem
from openvino import opset13 as ops
from workloads import Task

from contenders import UnsupportedError, Variant, reorder_gates, require

GATES = {"lstm": "figo", "gru": "urn"}


def versions() -> dict[str, str]:
    return {"openvino": ov.__version__}


def prepare(task: Task, threads: int) -> dict[str, Variant]:
    require(task.workload.mode in ("step", "forward"), "inference only")
    config = {
        "INFERENCE_PRECISION_HINT": "f32" if task.precision == "float32" else "bf16",
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
    }
    if task.convolution is not None:
        return {"call": _convolution(task.convolution, config)}
    steps = 1 if task.workload.mode == "step" else task.workload.case.T
    model = _model(task, steps)
    if task.precision == "int8":
        model = _quantized(model, task)
    compiled = ov.Core().compile_model(model, "CPU", config)
    if task.workload.mode == "step":
        return {"call": _steps(compiled, task), "tensors kept": _kept_steps(compiled, task)}
    return {"call": _forward(compiled, task)}


def _convolution(problem: Convolution, config: dict[str, Any]) -> Variant:
    """Make the layer, channels before time."""
    x = ops.parameter([problem.case.N, problem.case.I, problem.case.T], np.float32, name="x")
    kernel = ops.constant(np.ascontiguousarray(problem.kernel.transpose(2, 1, 0)))
    y = ops.add(ops.convolution(x, kernel, [1], [0], [0], [1]), ops.constant(problem.bias[:, None]))
    request = ov.Core().compile_model(ov.Model([y], [x], "layer"), "CPU", config).create_infer_request()
    request.set_input_tensor(ov.Tensor(np.ascontiguousarray(problem.x.transpose(0, 2, 1)), shared_memory=False))
    return Variant(request.infer, lambda _: {"y": request.get_output_tensor(0).data.transpose(0, 2, 1)})


def _weights(task: Task) -> tuple[Any, Any, Any]:
    def ordered(array: Any) -> Any:
        order = GATES.get(task.workload.case.cell)
        return array if order is None else reorder_gates(array, order)

    def bias(problem: Problem) -> Any:
        if problem.recurrent_bias is None:
            return ordered(problem.bias)
        # Added up but for the gate whose recurrent product is reset: four biases for three gates.
        from_x, recurrent = ordered(problem.bias), ordered(problem.recurrent_bias)
        new = 2 * problem.case.H
        return np.concatenate([from_x[:new] + recurrent[:new], from_x[new:], recurrent[new:]])

    weights = (np.stack([ordered(getattr(p, name)) for p in task.problems]) for name in ("weight_ih", "weight_hh"))
    return *weights, np.stack([bias(p) for p in task.problems])  # type: ignore[return-value]


def _model(task: Task, steps: int) -> ov.Model:
    case, D = task.workload.case, task.workload.directions
    x = ops.parameter([case.N, steps, case.I], np.float32, name="x")
    state = [ops.parameter([case.N, D, case.H], np.float32, name=name) for name in _initial(task)]
    lengths = ops.constant(_lengths(task, steps))
    weights = [ops.constant(array) for array in _weights(task)]
    direction = "bidirectional" if D == 2 else "forward"
    if case.cell == "lstm":
        node = ops.lstm_sequence(x, *state, lengths, *weights, case.H, direction)
    elif case.cell == "gru":
        node = ops.gru_sequence(x, *state, lengths, *weights, case.H, direction, linear_before_reset=True)
    else:
        activation = [case.cell.removeprefix("rnn_")] * D
        node = ops.rnn_sequence(x, *state, lengths, *weights, case.H, direction, activation)
    return ov.Model([ops.result(output) for output in node.outputs()], [x, *state], "layer")


def _quantized(model: ov.Model, task: Task) -> ov.Model:
    require(task.workload.case.cell == "lstm", "has no quantized layer but the LSTM")
    try:
        import nncf
    except ImportError as error:
        raise UnsupportedError("int8 needs the package nncf") from error
    feeds = _calibration(model, task)
    return nncf.quantize(model, nncf.Dataset(feeds), subset_size=len(feeds))


def _calibration(model: ov.Model, task: Task) -> list[dict[str, Any]]:
    """Give what the model is going to be fed: the sequence, or every step with the states before it."""
    states = _initial(task)
    if task.workload.mode == "forward":
        return [{"x": np.ascontiguousarray(task.problem.x.transpose(1, 0, 2)), **states}]
    request = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    feeds = []
    for x_t in task.problem.x:
        feeds.append({"x": x_t[:, None], **states})
        _, *after = request.infer(feeds[-1]).values()
        states = {name: array.copy() for name, array in zip(states, after, strict=True)}
    return feeds


def _lengths(task: Task, steps: int) -> Any:
    return np.full(task.workload.case.N, steps, np.int32) if task.lengths is None else task.lengths.astype(np.int32)


def _initial(task: Task) -> dict[str, Any]:
    """States as (N, D, H)."""
    state = {"h_0": np.stack([p.h_0 for p in task.problems], axis=1)}
    if task.problem.c_0 is not None:
        state["c_0"] = np.stack([p.c_0 for p in task.problems], axis=1)
    return state


def _forward(compiled: Any, task: Task) -> Variant:
    request = compiled.create_infer_request()
    feeds = [np.ascontiguousarray(task.problem.x.transpose(1, 0, 2)), *_initial(task).values()]

    def run() -> Any:
        return request.infer(feeds, share_inputs=True, share_outputs=True)

    def read(found: Any) -> dict[str, Any]:
        """Take y (N, D, T, H) to (T, N, D*H)."""
        y = found[0].transpose(2, 0, 1, 3)
        return {"y": y.reshape(*y.shape[:2], -1), "h_n": found[1].transpose(1, 0, 2)}

    return Variant(run, read)


def _read_steps(y: list[Any], task: Task) -> dict[str, Any]:
    stacked = np.stack(y).reshape(task.problem.dy.shape)
    return {"y": stacked, "h_n": stacked[-1:]}


def _steps(compiled: Any, task: Task) -> Variant:
    request = compiled.create_infer_request()
    initial = list(_initial(task).values())
    steps = [x_t[:, None] for x_t in task.problem.x]

    def run() -> list[Any]:
        state, y = initial, []
        for x_t in steps:
            found = request.infer([x_t, *state], share_inputs=True, share_outputs=False)
            h, *state = (found[k] for k in range(1 + len(initial)))
            y.append(h)
        return y

    return Variant(run, lambda y: _read_steps(y, task))


def _kept_steps(compiled: Any, task: Task) -> Variant:
    """Alternate between two requests, the states one writes being those the other reads."""
    initial = list(_initial(task).values())
    buffers = [[ov.Tensor(array.copy(), shared_memory=False) for array in initial] for _ in range(2)]
    x = ov.Tensor(np.empty((task.workload.case.N, 1, task.workload.case.I), np.float32), shared_memory=False)
    requests = []
    for now, after in ((0, 1), (1, 0)):
        request = compiled.create_infer_request()
        request.set_input_tensor(0, x)
        for k in range(len(initial)):
            request.set_input_tensor(1 + k, buffers[now][k])
            request.set_output_tensor(1 + k, buffers[after][k])
        requests.append((request, request.get_output_tensor(0).data))
    x_view, views = x.data[:, 0], [tensor.data for tensor in buffers[0]]

    def run() -> list[Any]:
        y = []
        for view, array in zip(views, initial, strict=True):
            view[...] = array
        for t, x_t in enumerate(task.problem.x):
            x_view[...] = x_t
            request, h = requests[t % 2]
            request.infer()
            y.append(h.copy())
        return y

    return Variant(run, lambda y: _read_steps(y, task))
