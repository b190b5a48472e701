"""PyTorch: ``torch.nn`` layers in inference mode, through oneDNN and without it; single steps through cells too.

In bfloat16 as modules of that dtype and by autocast, in int8 by dynamic quantization.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from cases import Convolution
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from training import BETA_1, BETA_2, CLASSES, EPSILON, LEARNING_RATE
from workloads import Task

from contenders import Variant, fit_step, require


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}


def prepare(task: Task, threads: int) -> dict[str, Variant]:
    torch.set_num_threads(threads)
    if task.precision != "float32":
        return _reduced(task)
    if task.convolution is not None:
        return _convolutions(task.convolution, task.workload.mode == "train")
    if task.workload.mode == "fit_step":
        return _fit_steps(task)
    return _every_way(task)


def _every_way(task: Task) -> dict[str, Variant]:
    make = {"step": _steps, "forward": _forward, "train": _train}[task.workload.mode]
    variants = make(task)
    if task.workload.case.cell == "lstm":  # only this one has a oneDNN path to leave
        variants |= {f"{name}, no oneDNN": _without_onednn(variant) for name, variant in variants.items()}
    return variants


def _reduced(task: Task) -> dict[str, Variant]:
    require(task.workload.mode != "fit_step" and task.convolution is None, "timed in float32")
    if task.precision == "int8":
        require(task.workload.mode != "train", "int8 is for inference")
        return _every_way(task)
    full = _every_way(replace(task, precision="float32"))
    cast = {f"{name}, autocast": _autocast(variant) for name, variant in full.items()}
    return _every_way(task) | {name: variant for name, variant in cast.items() if _runs(variant)}


def _runs(variant: Variant) -> bool:
    """Whether it raises nothing: oneDNN has no LSTM of bfloat16 for some processors."""
    try:
        variant.run()
    except RuntimeError:
        return False
    return True


def _autocast(variant: Variant) -> Variant:
    def run() -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return variant.run()

    return Variant(run, variant.read)


def _convolutions(problem: Convolution, train: bool) -> dict[str, Variant]:
    """Make the layer with channels before time, as usual, and as one over an image of one line with channels last."""
    x, kernel, dy = (torch.from_numpy(array) for array in (problem.x, problem.kernel, problem.dy))
    channels_last = {"memory_format": torch.channels_last}
    forms = {
        "conv1d": (torch.nn.functional.conv1d, *(a.contiguous() for a in _channels_first(x, kernel, dy))),
        "conv2d": (
            torch.nn.functional.conv2d,
            *(a.unsqueeze(2).contiguous(**channels_last) for a in _channels_first(x, kernel, dy)),
        ),
    }
    variants = {name: _convolution(problem, train, *form) for name, form in forms.items()}
    return variants | {f"{name}, no oneDNN": _without_onednn(variant) for name, variant in variants.items()}


def _channels_first(x: torch.Tensor, kernel: torch.Tensor, dy: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return x.permute(0, 2, 1), kernel.permute(2, 1, 0), dy.permute(0, 2, 1)


def _convolution(
    problem: Convolution, train: bool, layer: Any, x: torch.Tensor, kernel: torch.Tensor, dy: torch.Tensor
) -> Variant:
    given = [x, kernel, torch.from_numpy(problem.bias)]

    def plain(array: torch.Tensor) -> Any:
        """Take ``(N, channels, 1, T)`` or ``(N, channels, T)`` to ``(N, T, channels)``."""
        return array.reshape(*array.shape[:2], -1).permute(0, 2, 1).numpy()

    def forward() -> Any:
        with torch.inference_mode():
            return layer(*given)

    if not train:
        return Variant(forward, lambda y: {"y": plain(y)})
    leaves = [array.detach().requires_grad_(True) for array in given]

    def run() -> Any:
        return torch.autograd.grad(layer(*leaves), leaves, dy)

    def read(found: Any) -> dict[str, Any]:
        dx, dkernel, dbias = found
        return {"x": plain(dx), "kernel": plain(dkernel).transpose(1, 2, 0), "bias": dbias.numpy()}

    return Variant(run, read)


def _without_onednn(variant: Variant) -> Variant:
    return Variant(_no_onednn(variant.run), variant.read)


def _no_onednn(call: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        torch.backends.mkldnn.enabled = False  # `flags` does the same in a context, at tens of microseconds
        try:
            return call()
        finally:
            torch.backends.mkldnn.enabled = True

    return run


def _fill(module: torch.nn.Module, task: Task, suffixes: tuple[str, ...]) -> None:
    with torch.no_grad():
        for problem, suffix in zip(task.problems, suffixes, strict=False):
            for name in ("weight_ih", "weight_hh"):
                getattr(module, name + suffix).copy_(torch.from_numpy(getattr(problem, name)))
            getattr(module, "bias_ih" + suffix).copy_(torch.from_numpy(problem.bias))
            recurrent_bias = np.zeros_like(problem.bias) if problem.recurrent_bias is None else problem.recurrent_bias
            getattr(module, "bias_hh" + suffix).copy_(torch.from_numpy(recurrent_bias))


DYNAMIC = {torch.nn.LSTM, torch.nn.GRU, torch.nn.LSTMCell, torch.nn.GRUCell, torch.nn.RNNCell}


def _in_precision(module: torch.nn.Module, task: Task) -> Any:
    if task.precision == "int8":
        require(type(module) in DYNAMIC, "has no quantized RNN")
        holder = torch.nn.Sequential(module.eval())
        return torch.ao.quantization.quantize_dynamic(holder, DYNAMIC, torch.qint8)[0]
    return module.bfloat16() if task.precision == "bfloat16" else module


def _tensor(array: Any, task: Task) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    return tensor.bfloat16() if task.precision == "bfloat16" else tensor


def _numpy(tensor: torch.Tensor) -> Any:
    return tensor.float().numpy()  # NumPy has no bfloat16


def _layer(task: Task) -> torch.nn.Module:
    case, bidirectional = task.workload.case, task.workload.bidirectional
    if case.cell == "lstm":
        layer: torch.nn.Module = torch.nn.LSTM(case.I, case.H, bidirectional=bidirectional)
    elif case.cell == "gru":
        layer = torch.nn.GRU(case.I, case.H, bidirectional=bidirectional)
    else:
        kind = case.cell.removeprefix("rnn_")
        layer = torch.nn.RNN(case.I, case.H, nonlinearity=kind, bidirectional=bidirectional)
    _fill(layer, task, ("_l0", "_l0_reverse"))
    return _in_precision(layer, task)


def _cell(task: Task) -> torch.nn.Module:
    case = task.workload.case
    if case.cell == "lstm":
        cell: torch.nn.Module = torch.nn.LSTMCell(case.I, case.H)
    elif case.cell == "gru":
        cell = torch.nn.GRUCell(case.I, case.H)
    else:
        cell = torch.nn.RNNCell(case.I, case.H, nonlinearity=case.cell.removeprefix("rnn_"))
    _fill(cell, task, ("",))
    return _in_precision(cell, task)


def _initial_state(task: Task) -> Any:
    h_0 = _tensor(np.stack([problem.h_0 for problem in task.problems]), task)
    if task.problem.c_0 is None:
        return h_0
    return h_0, _tensor(np.stack([problem.c_0 for problem in task.problems]), task)


def _hidden(state: Any) -> Any:
    return state[0] if isinstance(state, tuple) else state


def _forward(task: Task) -> dict[str, Variant]:
    layer, x, state = _layer(task).eval(), _tensor(task.problem.x, task), _initial_state(task)
    lengths = None if task.lengths is None else torch.from_numpy(task.lengths)

    def run() -> Any:
        with torch.inference_mode():
            return layer(x, state)

    def run_packed() -> Any:
        with torch.inference_mode():
            y, final = layer(pack_padded_sequence(x, lengths, enforce_sorted=False), state)
            return pad_packed_sequence(y, total_length=len(x))[0], final

    def read(found: Any) -> dict[str, Any]:
        return {"y": _numpy(found[0]), "h_n": _numpy(_hidden(found[1]))}

    return {"layer": Variant(run, read)} if lengths is None else {"packed": Variant(run_packed, read)}


def _steps(task: Task) -> dict[str, Variant]:
    layer, cell, state = _layer(task).eval(), _cell(task).eval(), _initial_state(task)
    single = tuple(part[0] for part in state) if isinstance(state, tuple) else state[0]
    steps = list(_tensor(task.problem.x, task))
    longer = [x_t[None] for x_t in steps]

    def run_layer() -> Any:
        return _loop(lambda x_t, s: layer(x_t, s), longer, state)

    def run_cell() -> Any:
        def step(x_t: Any, s: Any) -> Any:
            s = cell(x_t, s)
            return _hidden(s), s

        return _loop(step, steps, single)

    def read(y: Any) -> dict[str, Any]:
        y = _numpy(torch.stack([h.reshape(task.problem.h_0.shape) for h in y]))
        return {"y": y, "h_n": y[-1:]}

    return {"layer": Variant(run_layer, read), "cell": Variant(run_cell, read)}


def _loop(step: Callable[[Any, Any], Any], steps: list[Any], state: Any) -> list[Any]:
    y = []
    with torch.inference_mode():
        for x_t in steps:
            h, state = step(x_t, state)
            y.append(h)
    return y


def _train(task: Task) -> dict[str, Variant]:
    require(not task.workload.bidirectional, "timed for one direction only")
    layer, x, state = _layer(task).train(), _tensor(task.problem.x, task), _initial_state(task)
    dh_n = _tensor(task.problem.dh_n, task)[None]
    lengths = None if task.lengths is None else torch.from_numpy(task.lengths)
    parameters = [layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, layer.bias_hh_l0]

    def run() -> Any:
        _, final = layer(x if lengths is None else pack_padded_sequence(x, lengths, enforce_sorted=False), state)
        return torch.autograd.grad(_hidden(final), parameters, dh_n)

    def read(found: Any) -> dict[str, Any]:
        names = ["weight_ih", "weight_hh", "bias", *(["recurrent_bias"] if task.workload.case.cell == "gru" else [])]
        return {name: _numpy(gradient) for name, gradient in zip(names, found, strict=False)}

    return {"layer": Variant(run, read)}


def _fit_steps(task: Task) -> dict[str, Variant]:
    """Make the usual loop, with each way Adam has to go over the weights."""
    variants = {}
    for name in ("fused", "foreach"):
        run, reset = _loop_body(task, name)
        variants[f"Adam {name}"] = fit_step(run, reset)
        if task.workload.case.cell == "lstm":
            variants[f"Adam {name}, no oneDNN"] = fit_step(_no_onednn(run), reset)
    return variants


def _loop_body(task: Task, adam: str) -> tuple[Callable[[], Any], Callable[[], None]]:
    layer, dense = _layer(task).train(), torch.nn.Linear(task.workload.case.H, CLASSES)
    if task.problem.recurrent_bias is None:
        layer.bias_hh_l0.requires_grad_(False)  # a second bias would learn beside the first: another net
    trained = [p for p in (*layer.parameters(), *dense.parameters()) if p.requires_grad]
    criterion, x, head = torch.nn.CrossEntropyLoss(), torch.from_numpy(task.problem.x), task.head
    assert head is not None
    labels = torch.from_numpy(head.labels)
    optimizer: Any = None

    def reset() -> None:
        nonlocal optimizer
        _fill(layer, task, ("_l0",))
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(head.weight.T))
            dense.bias.copy_(torch.from_numpy(head.bias))
        optimizer = torch.optim.Adam(trained, LEARNING_RATE, (BETA_1, BETA_2), EPSILON, **{adam: True})

    def run() -> float:
        optimizer.zero_grad()
        _, final = layer(x)
        loss = criterion(dense(_hidden(final)[0]), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    reset()
    return run, reset
