"""The time loop of cells that are stepped in Python, and the way back through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ...foundation.arrays import Array
from .states import States, tree_map

Step: TypeAlias = Callable[[Array, States], tuple[Array, States]]
"""``step(x_t, states)`` gives the output and the new states."""

StepPullback: TypeAlias = Callable[[Array, Any], tuple[Array, Any, list[Array]]]
"""``pullback(doutput, dstates)``: gives the gradients of inputs, states and trainable weights."""


class Reading(NamedTuple):
    """What a cell takes over all steps, in the order of reading; the fields are the arguments of `core.forward`."""

    x: Array
    """Inputs ``(T, N, I)``."""
    start: Any
    """The states to start with, see `states.States`."""
    y: Array | None
    """Outputs ``(T, N, O)``, written, with zeros where the mask leaves a step out; None: only the last is wanted."""
    mask: Array | None
    """Which steps are there, booleans ``(T, N)``; None: all. States stay as they are at the others."""


def walk(step: Step, reading: Reading, output_size: int) -> tuple[Array, States]:
    """Take all steps; return the last output of each row, and the last states."""
    x, states, y, mask = reading
    last = np.zeros((x.shape[1], output_size), x.dtype)
    for t, x_t in enumerate(x):
        # Zeros where there is nothing: in a user's derivative, 0 * NaN is NaN.
        output, new_states = step(x_t if mask is None else _where(mask[t], x_t, 0), states)
        if mask is None:
            last, states = output, new_states
        else:
            last, states = _where(mask[t], (output, new_states), (last, states))
        if y is not None:
            y[t] = output if mask is None else _where(mask[t], output, 0)
    return last, states


def walk_back(
    pullbacks: Sequence[StepPullback],
    doutputs: Array,
    dstates: Any,
    mask: Array | None,
    dx: Array | None,
    totals: list[Array],
    cut: int | None,
) -> Any:
    """Go back through all steps.

    Parameters
    ----------
    pullbacks : sequence of StepPullback
        Those of the steps.
    doutputs, dstates : ndarray; list of array_like
        Gradients of the outputs of all steps and of the last states.
    mask : ndarray, optional
        See `Reading`.
    dx : ndarray, optional
        Where the gradients of the inputs go, if they are wanted.
    totals : list of ndarray
        Where those of the weights are added up.
    cut : int, optional
        Steps of a piece; the gradients of the states at its end are left out, unless it is the last one.

    Returns
    -------
    dstates
        Gradients of the first states.
    """
    for t in range(len(pullbacks) - 1, -1, -1):
        if cut is not None and (t + 1) % cut == 0 and t + 1 < len(pullbacks):
            dstates = tree_map(np.zeros_like, dstates)
        dinput, dstates, gradients = _back(pullbacks[t], doutputs[t], dstates, None if mask is None else mask[t])
        if dx is not None:
            dx[t] = dinput
        for total, gradient in zip(totals, gradients, strict=True):
            total += gradient
    return dstates


def _back(pullback: StepPullback, doutput: Array, dstates: Any, valid: Array | None) -> tuple[Array, Any, list[Array]]:
    """One step backwards; the gradient of states that a mask carries past the step goes past it too."""
    if valid is None:
        return pullback(doutput, dstates)
    inside = tree_map(lambda d: _where(valid, d, 0), dstates)
    dinput, before, gradients = pullback(_where(valid, doutput, 0), inside)
    return dinput, _where(valid, before, dstates), gradients


def every_output(dy: Array | None, y: Array | None, last: Array, mask: Array | None, steps: int) -> Array:
    """Gradients of the outputs of all steps, from that of `y` or, if that was not wanted, of `last`; None: zeros."""
    if dy is None:
        return np.zeros((steps, *last.shape), last.dtype)
    return _last_only(dy, mask, steps) if y is None else dy


def _last_only(dy: Array, mask: Array | None, steps: int) -> Array:
    """Gradients ``(T, N, O)`` of the outputs of all steps, if only the last one of each row had one, `dy`."""
    every = np.zeros((steps, *dy.shape), dy.dtype)
    if mask is None:
        every[-1:] = dy
    else:
        rows = np.flatnonzero(mask.any(axis=0))
        every[steps - 1 - mask[::-1, rows].argmax(axis=0), rows] = dy[rows]
    return every


def _where(valid: Array, there: Any, else_: Any) -> Any:
    """Tree with the rows of one where `valid` (N,), and of the other elsewhere."""
    if not isinstance(there, tuple):
        return np.where(valid[:, None], there, else_)
    return tuple(_where(valid, a, b) for a, b in zip(there, else_, strict=True))
