"""fastlstm itself."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
from cases import Convolution
from training import BETA_1, BETA_2, CLASSES, EPSILON, LEARNING_RATE
from workloads import Task

import fastlstm
from contenders import Variant, fit_step, keras_weights, require
from fastlstm import _core

PARAMETERS = ("weight_ih", "weight_hh", "bias", "recurrent_bias")


def versions() -> dict[str, str]:
    return {
        "fastlstm": fastlstm.__version__,
        "isa": fastlstm.active_isa(),
        "compiler": _core.build_config()["compiler"],
        "flags": _core.build_config()["flags"],
        **{name: how for name, how in fastlstm.config().items() if name.startswith("products")},
        "python": platform.python_version(),
    }


def measure_bounds() -> dict[str, Any]:
    from fastlstm.bench import measure_bounds

    return measure_bounds().to_json()


def prepare(task: Task, threads: int) -> dict[str, Variant]:
    fastlstm.set_num_threads(threads)
    if task.precision != "float32":
        require(task.workload.mode != "fit_step" and task.convolution is None, "timed in float32")
        require(task.workload.mode != "train" or task.precision != "int8", "int8 is for inference")
    if task.convolution is not None:
        return {fastlstm.active_isa(): _convolution(task.convolution, task.workload.mode == "train")}
    make = {"step": _step, "forward": prepare_forward, "train": _train, "fit_step": _fit_step}[task.workload.mode]
    return {fastlstm.active_isa(): make(task)}


def _convolution(problem: Convolution, train: bool) -> Variant:
    """Make the layer; weights change after every training step, so packing them is part of it."""
    from fastlstm.keras.layers import Conv1D

    case = problem.case
    layer = Conv1D(case.H, case.K)
    layer.build(problem.x.shape)
    weights = [problem.kernel, problem.bias]
    layer.set_weights(weights)

    def run() -> Any:
        layer.set_weights(weights)
        dx, (dkernel, dbias) = layer.vjp(problem.x)[1](problem.dy)
        return {"x": dx, "kernel": dkernel, "bias": dbias}

    if train:
        return Variant(run, lambda found: found)
    return Variant(lambda: layer(problem.x), lambda y: {"y": y})


def _layer(task: Task) -> Any:
    case, bidirectional = task.workload.case, task.workload.bidirectional
    if case.cell == "lstm":
        layer: Any = fastlstm.LSTM(case.I, case.H, bidirectional=bidirectional)
    elif case.cell == "gru":
        layer = fastlstm.GRU(case.I, case.H, bidirectional=bidirectional)
    else:
        kind = case.cell.removeprefix("rnn_")
        layer = fastlstm.RNN(case.I, case.H, nonlinearity=kind, bidirectional=bidirectional)
    state: dict[str, Any] = {}
    for problem, suffix in zip(task.problems, ("_l0", "_l0_reverse"), strict=False):
        state["weight_ih" + suffix] = problem.weight_ih
        state["weight_hh" + suffix] = problem.weight_hh
        state["bias_ih" + suffix] = problem.bias
        recurrent_bias = problem.recurrent_bias
        state["bias_hh" + suffix] = np.zeros_like(problem.bias) if recurrent_bias is None else recurrent_bias
    layer.load_state_dict(state)
    if task.precision != "float32":
        layer.quantize(task.precision)
    return layer


def _initial_state(task: Task) -> Any:
    h_0 = np.stack([problem.h_0 for problem in task.problems])
    if task.problem.c_0 is None:
        return h_0
    return h_0, np.stack([problem.c_0 for problem in task.problems])


def prepare_forward(task: Task) -> Variant:
    """One call over the whole sequence."""
    layer, x, state = _layer(task), task.problem.x, _initial_state(task)

    def run() -> Any:
        return layer(x, state, lengths=task.lengths)

    return Variant(run, lambda found: {"y": found[0], "h_n": found[1][0] if isinstance(found[1], tuple) else found[1]})


def _step(task: Task) -> Variant:
    case, state = task.workload.case, _initial_state(task)
    stream = _layer(task).stream(case.N)
    x = task.problem.x[:, 0] if case.N == 1 else task.problem.x
    y = np.empty((*x.shape[:-1], case.H), x.dtype)
    pairs = list(zip(x, y, strict=True))  # the arrays a caller would have at hand

    def run() -> None:
        stream.state = state
        step = stream.step
        for x_t, out in pairs:
            step(x_t, out)

    whole = (case.T, case.N, case.H)
    return Variant(run, lambda _: {"y": y.reshape(whole), "h_n": y.reshape(whole)[-1:]})


def _train(task: Task) -> Variant:
    require(not task.workload.bidirectional, "timed for one direction only")
    problem = task.problem
    parameters = {name: getattr(problem, name) for name in PARAMETERS if getattr(problem, name) is not None}
    gradients = {name: np.empty_like(array) for name, array in parameters.items()}
    options = {} if task.precision == "float32" else {"precision": task.precision}

    def run() -> None:
        # Weights change after every training step, so packing them is part of it.
        weights = _core.Weights(problem.case.cell, *parameters.values(), **options)
        *_, tape = _core.forward_training(weights, problem.x, problem.h_0, problem.c_0, None, task.lengths)
        _core.backward(tape, None, problem.dh_n, None, None, *gradients.values())

    return Variant(run, lambda _: gradients)


def _fit_step(task: Task) -> Variant:
    from fastlstm import keras
    from fastlstm.keras import layers

    case, head = task.workload.case, task.head
    assert head is not None
    make = {"lstm": layers.LSTM, "gru": layers.GRU}.get(case.cell)
    layer = make(case.H) if make else layers.SimpleRNN(case.H, activation=case.cell.removeprefix("rnn_"))
    model = keras.Sequential([keras.Input((case.T, case.I)), layer, layers.Dense(CLASSES, activation="softmax")])
    weights = [*keras_weights(task.problem), head.weight, head.bias]
    x, labels = np.ascontiguousarray(task.problem.x.transpose(1, 0, 2)), head.labels

    def reset() -> None:
        model.set_weights(weights)
        adam = keras.optimizers.Adam(LEARNING_RATE, BETA_1, BETA_2, EPSILON)
        model.compile(optimizer=adam, loss="sparse_categorical_crossentropy")

    reset()
    return fit_step(lambda: model.train_on_batch(x, labels), reset)
