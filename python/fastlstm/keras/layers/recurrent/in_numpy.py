"""Built-in cells with activations that the compiled core does not have: its functions, in NumPy.

`packed`, `forward`, `forward_training` and `backward` take and give what those of `foundation.core` do; the activations
are functions here. Products are the core's, so that a row has the same bits whole or step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ...activations import ActivationFunction
from ...foundation import core
from ...foundation.arrays import Array, sum_of_rows
from ...foundation.training_step import way_back
from .equations import EQUATIONS, Product
from .loop import Reading, StepPullback, walk, walk_back
from .states import States, filled


class Weights(Protocol):
    """What is known of a cell, as `core.Weights` of its own."""

    hidden_size: int
    dtype: np.dtype[Any]
    states: int
    """How many states there are, each ``(N, hidden_size)``."""
    recurrent: list[Array]
    """Weights of the states: the recurrent kernel and, if there is one, the recurrent bias."""

    def projected(self, x: Array) -> Array:
        """Return what the inputs of all steps ``(T, N, I)`` add to the sums of the gates, ``(T, N, Z)``."""

    def projected_back(self, x: Array, dz: Array, dx: Array | None) -> list[Array]:
        """Write the gradient of `x` to `dx`, if it is wanted; return those of the kernel and of the bias."""

    def step(self, z: Array, states: States, masks: Array | None) -> tuple[Array, States, StepPullback]:
        """Take one step; see `equations.Equations`."""


class DenseWeights:
    """`Weights` of LSTM, GRU and SimpleRNN; see `packed`."""

    def __init__(self, cell: str, weights: Sequence[Array], functions: Sequence[ActivationFunction]) -> None:
        self.kernel, recurrent, *biases = weights
        self.recurrent = [recurrent, *biases[1:]]
        self.functions, self._equations = functions, EQUATIONS[cell]
        self.hidden_size, self.dtype = len(recurrent), recurrent.dtype
        self.states = 2 if cell == "lstm" else 1
        before = cell == "gru_reset_before"
        columns = recurrent.shape[1] - (self.hidden_size if before else 0)
        self.product = Product(recurrent[:, :columns], *biases[1:])
        self.product_of_n = Product(recurrent[:, columns:]) if before else None
        self._projection = core.Dense(self.kernel, *biases[:1])

    def projected(self, x: Array) -> Array:
        """See `Weights`."""
        steps, rows, features = x.shape
        return self._projection(x.reshape(steps * rows, features)).reshape(steps, rows, -1)

    def projected_back(self, x: Array, dz: Array, dx: Array | None) -> list[Array]:
        """See `Weights`."""
        inputs, slopes = x.reshape(-1, x.shape[-1]), dz.reshape(-1, dz.shape[-1])
        if dx is not None:
            dx[...] = (slopes @ self.kernel.T).reshape(x.shape)
        return [inputs.T @ slopes, sum_of_rows(slopes)]

    def step(self, z: Array, states: States, masks: Array | None) -> tuple[Array, States, StepPullback]:
        """See `Weights`."""
        return self._equations(self, z, states, masks)


class Tape:
    """What `backward` needs."""

    def __init__(
        self, weights: Weights, x: Array, z_shape: tuple[int, ...], mask: Array | None, pullbacks: list[StepPullback]
    ) -> None:
        self.weights, self.x, self.z_shape, self.mask, self.pullbacks = weights, x, z_shape, mask, pullbacks
        self.cut = way_back().tbptt


def packed(cell: str, weights: Sequence[Array], functions: Sequence[ActivationFunction]) -> DenseWeights:
    """Return the weights of a cell with its activations, in the core's order."""
    return DenseWeights(cell, weights, functions)


def forward(
    weights: Weights, x: Array, states: States | None = None, y: Array | None = None, mask: Array | None = None
) -> States:
    """Take all steps: write the outputs ``(T, N, H)`` to `y`, if it is there; return the last states."""
    return forward_training(weights, x, states, y, mask, keep=False)[0]


def forward_training(
    weights: Weights,
    x: Array,
    states: States | None = None,
    y: Array | None = None,
    mask: Array | None = None,
    recurrent_masks: Array | None = None,
    keep: bool = True,
) -> tuple[States, Tape]:
    """As `forward`, and keep what `backward` needs; see `core.forward_training`."""
    if mask is not None:
        x = np.where(mask[:, :, None], x, 0)  # what is left out may be infinite
    pullbacks = list[StepPullback]()

    def step(z: Array, states: States) -> tuple[Array, States]:
        output, new_states, pullback = weights.step(z, states, recurrent_masks)
        if keep:
            pullbacks.append(pullback)
        return output, new_states

    with np.errstate(all="ignore"):  # infinity and NaN are answers like others
        start = _with_zeros(states, weights, x.shape[1])
        z = weights.projected(x)
        _, last = walk(step, Reading(z, start, y, mask), weights.hidden_size)
    return last, Tape(weights, x, z.shape, mask, pullbacks)


def backward(
    tape: Tape, dy: Array | None, dstates: States | None, dx: Array | None, gradients: Sequence[Array]
) -> States:
    """Write to `dx` and to the `gradients` of the weights; return those of the first states. See `core.backward`."""
    weights, x = tape.weights, tape.x
    slopes: Any = np.zeros((*x.shape[:2], weights.hidden_size), x.dtype) if dy is None else dy
    totals = [np.zeros_like(value) for value in weights.recurrent]
    with np.errstate(all="ignore"):
        dz = np.empty(tape.z_shape, x.dtype)
        dlast = _with_zeros(dstates, weights, x.shape[1])
        dstart: States = walk_back(tape.pullbacks, slopes, dlast, tape.mask, dz, totals, tape.cut)
        dkernel, dbias = weights.projected_back(x, dz, dx)
    found = [dkernel, totals[0], dbias, *totals[1:]]
    for gradient, value in zip(gradients, found, strict=False):  # there may be no bias, and no gradient wanted
        gradient[...] = value
    return dstart


def _with_zeros(states: States | None, weights: Weights, rows: int) -> States:
    """Return the states, or gradients of such, with zeros for what is None or not there."""
    sizes = (weights.hidden_size,) * weights.states
    found: States = filled((*(states or ()), *[None] * len(sizes))[: len(sizes)], sizes, rows, weights.dtype)
    return found
