"""The check before the clock: what a contender computes against the float64 reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from workloads import Task, Workload

Arrays = Mapping[str, NDArray[np.floating]]

# Largest difference from the reference, relative to the largest magnitude in the array (at least 1). It lets every
# float32 implementation pass, approximate activations included, and none that computes in bf16 (4e-3) or TF32 (5e-4).
# Gradients sum over rows and steps.
TOLERANCE = {"step": 1e-4, "forward": 1e-4, "train": 3e-4}


class WrongResultError(Exception):
    """A contender's numbers are not the problem's solution."""


def expected_outputs(task: Task) -> dict[str, NDArray[np.float64]]:
    """Solve the task with `fastlstm.reference`.

    ``y (T, N, D*H)`` and ``h_n (D, N, H)`` without training; the gradients of the weights and biases with it.
    """
    if task.workload.mode == "train":
        return _expected_gradients(task)
    parts = [_forward(task, direction) for direction in range(task.workload.directions)]
    return {"y": np.concatenate([y for y, _ in parts], axis=2), "h_n": np.stack([h_n for _, h_n in parts])}


def _forward(task: Task, direction: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from fastlstm import reference  # a rival's process does without fastlstm

    problem = task.problems[direction]
    arguments = (task.problem.x, problem.weight_ih, problem.weight_hh, problem.bias)
    options: dict[str, Any] = {"lengths": task.lengths, "reverse": direction == 1}
    if problem.c_0 is not None:
        return reference.lstm(*arguments, problem.h_0, problem.c_0, **options)[:2]
    if problem.case.cell == "gru":
        return reference.gru(*arguments, problem.recurrent_bias, problem.h_0, **options)
    return reference.rnn(*arguments, problem.h_0, nonlinearity=problem.case.cell.removeprefix("rnn_"), **options)


def _expected_gradients(task: Task) -> dict[str, NDArray[np.float64]]:
    from fastlstm import reference

    problem = task.problem
    arguments = (problem.x, problem.weight_ih, problem.weight_hh, problem.bias)
    names = ["weight_ih", "weight_hh", "bias"]
    options: dict[str, Any] = {"lengths": task.lengths, "dh_n": problem.dh_n}
    if problem.c_0 is not None:
        found = reference.lstm_backward(*arguments, problem.h_0, problem.c_0, **options)
    elif problem.case.cell == "gru":
        found = reference.gru_backward(*arguments, problem.recurrent_bias, problem.h_0, **options)
        names.append("recurrent_bias")
    else:
        kind = problem.case.cell.removeprefix("rnn_")
        found = reference.rnn_backward(*arguments, problem.h_0, nonlinearity=kind, **options)
    return {name: getattr(found, name) for name in names}


def check(workload: Workload, outputs: Arrays, expected: Arrays) -> float:
    """Give the largest relative error; raise `WrongResultError` for one beyond the tolerance or a missing array."""
    worst = 0.0
    for name, wanted in expected.items():
        if name not in outputs:
            raise WrongResultError(f"{name} was not computed")
        got = np.asarray(outputs[name])
        if got.shape != wanted.shape:
            raise WrongResultError(f"{name} must have shape {wanted.shape}, got {got.shape}")
        error = float(np.abs(got - wanted).max() / max(1.0, np.abs(wanted).max()))
        if not error <= TOLERANCE[workload.mode]:  # so that NaN fails too
            raise WrongResultError(f"{name} is off by {error:.1e}, allowed {TOLERANCE[workload.mode]:.0e}")
        worst = max(worst, error)
    return worst
