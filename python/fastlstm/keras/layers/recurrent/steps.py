"""A cell over all time steps: in the compiled core where the cell can, else step by step in Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, as_array
from ...foundation.boxes import value_of
from ...foundation.passes import Pass, within
from ...foundation.tracing import differentiated
from ...foundation.trees import leaves, mapped
from ..base import Layer
from ..composed import Composed
from .cell import Cell, Reading, RecurrentCell, ScanPullback, StepPullback, output_size, size_tree
from .states import States, as_lists, checked_states, filled, grown, tree_map, zeros


def scan(cell: Any, reading: Reading, training: bool) -> tuple[Array, States]:
    """Take all steps.

    Parameters
    ----------
    cell
        Of the core, stacked, or a user's own.
    reading
        What it takes.
    training
        Whether the cell's dropout drops.

    Returns
    -------
    last output, last states
        The output of the last step that is there, ``(N, O)``. Where there is none it is of no meaning.
    """
    if takes_all_steps(cell):
        result: tuple[Array, States] = cell.scan(reading, training)
        return result
    return _scan(Steps(cell, reading.x, training).call, cell, reading)


def scan_vjp(cell: Any, reading: Reading, training: bool) -> tuple[Array, States, ScanPullback]:
    """As `scan`, and the pullback."""
    if takes_all_steps(cell):
        result: tuple[Array, States, ScanPullback] = cell.scan_vjp(reading, training)
        return result
    x, _, y, mask = reading
    steps, pullbacks = Steps(cell, x, training), list[StepPullback]()

    def step(x_t: Array, states: States) -> tuple[Array, States]:
        output, new_states, pullback = steps.vjp(x_t, states)
        pullbacks.append(pullback)
        return output, new_states

    last, new_states = _scan(step, cell, reading)

    def pullback(dy: Array | None, dstates: Any, dx: Array | None) -> tuple[list[Array], Any]:
        doutputs = _every_output(dy, y, last, mask, len(x))
        dstates = filled(dstates, size_tree(cell), x.shape[1], x.dtype)
        totals = [np.zeros_like(variable.value) for variable in weights_of(cell)]
        for t in range(len(x) - 1, -1, -1):
            dinput, dstates, gradients = _back(pullbacks[t], doutputs[t], dstates, None if mask is None else mask[t])
            if dx is not None:
                dx[t] = dinput
            for total, gradient in zip(totals, gradients, strict=True):
                total += gradient
        return totals, dstates

    return last, new_states, pullback


def _scan(step: Callable[[Array, States], tuple[Array, States]], cell: Any, reading: Reading) -> tuple[Array, States]:
    x, states, y, mask = reading
    last = np.zeros((x.shape[1], output_size(cell)), x.dtype)
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


def _back(pullback: StepPullback, doutput: Array, dstates: Any, valid: Array | None) -> tuple[Array, Any, list[Array]]:
    """One step backwards; the gradient of states that a mask carries past the step goes past it too."""
    if valid is None:
        return pullback(doutput, dstates)
    inside = tree_map(lambda d: _where(valid, d, 0), dstates)
    dinput, before, gradients = pullback(_where(valid, doutput, 0), inside)
    return dinput, _where(valid, before, dstates), gradients


def _every_output(dy: Array | None, y: Array | None, last: Array, mask: Array | None, steps: int) -> Array:
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


def takes_all_steps(cell: Any) -> bool:
    """Whether a cell takes all steps in one call, by a `scan` that goes with its `call`."""
    return has_built_in_call(cell) or belongs(cell, "scan")


def has_built_in_call(cell: Any) -> bool:
    """Whether a cell is one of the core, and nobody has put another `call` in place of its own."""
    return getattr(cell.call, "__func__", None) is RecurrentCell.call


def is_compiled(cell: Any) -> bool:
    """Whether a cell is one of the core, which takes all steps in one call."""
    return isinstance(cell, RecurrentCell) and takes_all_steps(cell)


def starts_from_zeros(cell: Any) -> bool:
    """Whether None does as the first states of a cell: it is one of the core, with no start of its own."""
    return has_built_in_call(cell) and type(cell).get_initial_state is Cell.get_initial_state


def belongs(cell: Any, method: str) -> bool:
    """Whether `method` goes with the `call` that the cell has: it is defined by the same class or a later one."""
    own = getattr(cell, "__dict__", ())
    if method in own or "call" in own:
        return method in own
    for cls in type(cell).__mro__:
        names = cls.__dict__
        if method in names:
            return True
        if "call" in names:
            return False
    return False


def has_vjp(cell: Any) -> bool:
    """Whether a cell's `call` comes with a derivative of the user's own; else it is taken by autograd."""
    return belongs(cell, "vjp") and getattr(type(cell), "vjp", None) is not Composed.vjp


def initial_states(cell: Any, rows: int, dtype: np.dtype[Any]) -> States:
    """States a cell starts with: from its `get_initial_state`, or zeros."""
    sizes, make = size_tree(cell), getattr(cell, "get_initial_state", None)
    given = zeros(sizes, rows, dtype) if make is None else make(batch_size=rows)
    states: States = checked_states(given, sizes, rows, dtype, f"{label(cell)}: get_initial_state()'s")
    return states


def label(cell: Any) -> str:
    """Return the name of a cell, for errors."""
    return str(getattr(cell, "name", None) or type(cell).__name__)


def weights_of(cell: Any) -> list[Any]:
    """Return the trainable weights of a cell; one that is no layer has none."""
    return cell.trainable_variables if isinstance(cell, Layer) else []


class Steps:
    """The steps of one cell, with everything it gives checked.

    Parameters
    ----------
    cell
        Has `call`, and perhaps `vjp`; each may take the argument `training`.
    x
        The inputs of all steps, ``(T, N, I)``.
    training
        Handed on.
    """

    def __init__(self, cell: Any, x: Array, training: bool) -> None:
        self.cell, self.dtype, self.rows = cell, x.dtype, x.shape[1]
        self.sizes, self.output_size = size_tree(cell), output_size(cell)
        self.shapes = [variable.shape for variable in weights_of(cell)]
        self.training = training

    def call(self, x_t: Array, states: States) -> tuple[Array, States]:
        """Give output and new states."""
        return self._result(self.unchecked(x_t, states), "call")

    def unchecked(self, x_t: Array, states: States) -> Any:
        """Give what the cell gives."""
        passing = Pass(self.training)
        with within(passing):
            found = mapped(value_of, self.cell.call(x_t, as_lists(states), **self._options("call")))
        passing.finish()
        return found

    def vjp(self, x_t: Array, states: States) -> tuple[Array, States, StepPullback]:
        """Give output, new states and the pullback."""
        if not has_vjp(self.cell):
            return self._by_autograd(x_t, states)
        found = self.cell.vjp(x_t, as_lists(states), **self._options("vjp"))
        result, pullback = self._pair(found, "vjp", "((output, new_states), pullback)")

        def checked(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
            return self._gradients(pullback(doutput, as_lists(dstates)), x_t)

        return *self._result(result, "vjp"), checked

    def _by_autograd(self, x_t: Array, states: States) -> tuple[Array, States, StepPullback]:
        """As `vjp`, with a derivative that autograd finds of `call`."""
        options, flat = self._options("call"), [x_t, *leaves(states)]

        def step(given: list[Any]) -> Any:
            states = as_lists(grown(iter(given[1:]), self.sizes))
            return self._pair(self.cell.call(given[0], states, **options), "call", "(output, new_states)")

        passing = Pass(self.training)
        found, back, _ = differentiated(step, flat, weights_of(self.cell), passing)
        passing.finish()

        def pullback(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
            (dx, *dflat), gradients = back([doutput, *leaves(dstates)])
            return dx, grown(iter(dflat), self.sizes), gradients

        return *self._result(found, "call"), pullback

    def _options(self, method: str) -> dict[str, bool]:
        takes = "training" in inspect.signature(getattr(self.cell, method)).parameters
        return {"training": self.training} if takes else {}

    def _pair(self, found: Any, method: str, wanted: str) -> Any:
        if not isinstance(found, tuple | list) or len(found) != 2:
            checks.complain(TypeError, f"{label(self.cell)}: {method}()", f"give a pair {wanted}", checks.shown(found))
        return found

    def _result(self, found: Any, method: str) -> tuple[Array, States]:
        output, states = self._pair(found, method, "(output, new_states)")
        name = f"{label(self.cell)}: {method}()'s"
        output = checked_states(output, self.output_size, self.rows, self.dtype, f"{name} output")
        return output, checked_states(states, self.sizes, self.rows, self.dtype, f"{name} new_states")

    def _gradients(self, found: Any, x_t: Array) -> tuple[Array, Any, list[Array]]:
        name = f"{label(self.cell)}: pullback()"
        if not isinstance(found, tuple | list) or len(found) != 3:
            must = "give (dinputs, dstates, gradients of the trainable weights)"
            checks.complain(TypeError, name, must, checks.shown(found))
        dinputs, dstates, gradients = found
        dstates = checked_states(dstates, self.sizes, self.rows, self.dtype, f"{name}'s dstates")
        arrays = [as_array(gradient, f"{name}'s gradients", self.dtype) for gradient in gradients]
        shapes = [array.shape for array in arrays]
        if shapes != self.shapes:
            must = f"have the shapes {self.shapes}, those of the weights"
            checks.complain(ValueError, f"{name}'s gradients", must, shapes)
        dx = as_array(dinputs, f"{name}'s dinputs", self.dtype)
        if dx.shape != x_t.shape:
            checks.refuse_shape(f"{name}'s dinputs", x_t.shape, dx.shape)
        return dx, dstates, arrays
