"""The right answers: every workload solved with `fastlstm.reference`, in float64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from training import BETA_1, BETA_2, CHECKED_STEPS, EPSILON, LEARNING_RATE
from workloads import Task

from fastlstm import reference

Array = NDArray[np.float64]
PARAMETERS = ("weight_ih", "weight_hh", "bias", "recurrent_bias")


def expected_outputs(task: Task) -> dict[str, Array]:
    """Solve the task.

    ``y (T, N, D*H)`` and ``h_n (D, N, H)`` of ``step`` and ``forward``, the gradients of the weights and biases of
    ``train``, the first losses ``loss (CHECKED_STEPS,)`` of ``fit_step``. Of a convolution ``y (N, windows, H)``, or
    the gradients of ``x``, ``kernel`` and ``bias``.
    """
    if task.convolution is not None:
        return _convolution(task)
    if task.workload.mode == "train":
        return _gradients(task)
    if task.workload.mode == "fit_step":
        return {"loss": _losses(task)}
    parts = [_forward(task, direction) for direction in range(task.workload.directions)]
    return {"y": np.concatenate([y for y, _ in parts], axis=2), "h_n": np.stack([h_n for _, h_n in parts])}


def _convolution(task: Task) -> dict[str, Array]:
    problem = task.convolution
    assert problem is not None
    if task.workload.mode == "train":
        return reference.convolution_backward(problem.dy, problem.x, problem.kernel)._asdict()
    return {"y": reference.convolution(problem.x, problem.kernel, problem.bias)}


def _forward(task: Task, direction: int = 0) -> tuple[Array, Array]:
    problem = task.problems[direction]
    arguments = (task.problem.x, problem.weight_ih, problem.weight_hh, problem.bias)
    options: dict[str, Any] = {"lengths": task.lengths, "reverse": direction == 1}
    if problem.c_0 is not None:
        return reference.lstm(*arguments, problem.h_0, problem.c_0, **options)[:2]
    if problem.case.cell == "gru":
        return reference.gru(*arguments, problem.recurrent_bias, problem.h_0, **options)
    return reference.rnn(*arguments, problem.h_0, nonlinearity=problem.case.cell.removeprefix("rnn_"), **options)


def _gradients(task: Task) -> dict[str, Array]:
    problem = task.problem
    arguments = (problem.x, problem.weight_ih, problem.weight_hh, problem.bias)
    options: dict[str, Any] = {"lengths": task.lengths, "dh_n": problem.dh_n}
    if problem.c_0 is not None:
        found = reference.lstm_backward(*arguments, problem.h_0, problem.c_0, **options)
    elif problem.case.cell == "gru":
        found = reference.gru_backward(*arguments, problem.recurrent_bias, problem.h_0, **options)
    else:
        kind = problem.case.cell.removeprefix("rnn_")
        found = reference.rnn_backward(*arguments, problem.h_0, nonlinearity=kind, **options)
    return {name: getattr(found, name) for name in PARAMETERS if getattr(problem, name) is not None}


def _losses(task: Task) -> Array:
    """Train on the one batch: the loss before each step, mean cross-entropy of the softmax."""
    head, rows, losses = task.head, np.arange(task.workload.case.N), []
    assert head is not None
    layer = {name: array for name in PARAMETERS if (array := getattr(task.problem, name)) is not None}
    weights = {name: array.astype("float64") for name, array in {**layer, "W": head.weight, "b": head.bias}.items()}
    adam = _Adam(weights)
    for _ in range(CHECKED_STEPS):
        problem = replace(task.problem, **{name: weights[name] for name in layer})
        h_n = _forward(replace(task, problems=(problem,)))[1]  # (N, H)
        z = h_n @ weights["W"] + weights["b"]
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        losses.append(-np.log(p[rows, head.labels]).mean())
        p[rows, head.labels] -= 1
        dz = p / len(rows)
        dh_n = dz @ weights["W"].T
        found = _gradients(replace(task, problems=(replace(problem, dh_n=dh_n),)))
        adam.apply(weights, {**found, "W": h_n.T @ dz, "b": dz.sum(axis=0)})
    return np.array(losses)


class _Adam:
    """Kingma and Ba's, with Keras' place for epsilon."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.m, self.v = ({name: np.zeros_like(w) for name, w in weights.items()} for _ in range(2))
        self.steps = 0

    def apply(self, weights: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        self.steps += 1
        rate = LEARNING_RATE * np.sqrt(1 - BETA_2**self.steps) / (1 - BETA_1**self.steps)
        for name, g in gradients.items():
            m, v = self.m[name], self.v[name]
            m += (1 - BETA_1) * (g - m)
            v += (1 - BETA_2) * (g * g - v)
            weights[name][...] -= rate * m / (np.sqrt(v) + EPSILON)
