"""Those who are timed, a small file each, all with the same two functions.

``prepare(task, threads) -> {name: Variant}`` sets a workload up in every mode that could be the fastest;
``versions() -> {package: version}`` says what ran. What a contender cannot do raises `UnsupportedError`. Those
that `PRECISIONS` names more than once go by ``task.precision``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from cases import Problem
from numpy.typing import NDArray
from training import CHECKED_STEPS

NAMES = ("fastlstm", "numpy", "torch", "onnxruntime", "openvino", "keras", "jax")
PADDED = "padded"  # fastlstm again, without lengths: `run.py` puts it beside workloads that have them
PRECISIONS = {
    "float32": (*NAMES, PADDED),
    "bfloat16": ("fastlstm", "torch", "openvino", "keras"),
    "int8": ("fastlstm", "torch", "onnxruntime", "openvino"),
}
"""Who computes in what."""


class UnsupportedError(Exception):
    """The contender has no such layer, direction or training."""


@dataclass(frozen=True)
class Variant:
    """One way to run a workload.

    `run` is timed. `read` takes what it gave to arrays: ``y (T, N, D*H)`` and ``h_n (D, N, H)``, or the gradients
    ``weight_ih``, ``weight_hh``, ``bias`` and, of a GRU, ``recurrent_bias``, in fastlstm's layout; or ``loss``. Of a
    convolution ``y (N, windows, H)``, or the gradients ``x``, ``kernel`` and ``bias``.
    """

    run: Callable[[], Any]
    read: Callable[[Any], dict[str, NDArray[np.floating]]]

    def outputs(self) -> dict[str, NDArray[np.floating]]:
        """Run once, for the check."""
        return self.read(self.run())


def fit_step(run: Callable[[], Any], reset: Callable[[], None]) -> Variant:
    """Make a variant of a training step: `run` gives the loss before it, `reset` goes back to the first weights."""

    def read(_: Any) -> dict[str, NDArray[np.floating]]:
        reset()
        return {"loss": np.array([float(run()) for _ in range(CHECKED_STEPS)])}

    return Variant(run, read)


def require(condition: bool, reason: str) -> None:
    """Raise `UnsupportedError` unless the condition holds."""
    if not condition:
        raise UnsupportedError(reason)


def in_precision(name: str, precision: str) -> str:
    """Give the label of a contender that computes in a precision."""
    return name if precision == "float32" else f"{name} {precision}"


def reorder_gates(weights: NDArray[Any], order: str, axis: int = 0) -> NDArray[Any]:
    """Move gates stacked as i, f, g, o or r, u, n along an axis to another order, such as ``"iofg"`` or ``"urn"``."""
    stacked = "ifgo" if len(order) == 4 else "run"
    blocks = dict(zip(stacked, np.split(weights, len(order), axis), strict=True))
    return np.ascontiguousarray(np.concatenate([blocks[gate] for gate in order], axis))


def keras_weights(problem: Problem) -> list[NDArray[Any]]:
    """Kernel, recurrent kernel and bias; those of a GRU stack u, r, n, and both its biases are rows of one array."""
    if problem.recurrent_bias is None:
        return [problem.weight_ih.T, problem.weight_hh.T, problem.bias]
    biases = np.stack([problem.bias, problem.recurrent_bias])
    return [reorder_gates(array, "urn", 1) for array in (problem.weight_ih.T, problem.weight_hh.T, biases)]
