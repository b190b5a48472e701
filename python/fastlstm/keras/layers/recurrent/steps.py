"""A cell over all time steps: in one call where the cell can take them, else step by step."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, as_array
from ...foundation.boxes import value_of
from ...foundation.passes import Pass, within
from ...foundation.tracing import differentiated
from ...foundation.training_step import way_back
from ...foundation.trees import leaves, mapped
from ..base import Layer
from ..composed import Composed
from .cell import Cell, RecurrentCell, ScanPullback, output_size, size_tree
from .loop import Reading, StepPullback, every_output, walk, walk_back
from .states import States, as_lists, checked_states, filled, grown, zeros


def scan(cell: Any, reading: Reading, training: bool) -> tuple[Array, States]:
    """Take all steps.

    Parameters
    ----------
    cell : layer
        Of the core, stacked, or a user's own.
    reading : Reading
        What it takes.
    training : bool
        Whether the cell's dropout drops.

    Returns
    -------
    last output, last states
        The output of the last step that is there, ``(N, O)``. Where there is none it is of no meaning.
    """
    if takes_all_steps(cell):
        result: tuple[Array, States] = cell.scan(reading, training)
        return result
    return walk(Steps(cell, reading.x, training).call, reading, output_size(cell))


def scan_vjp(cell: Any, reading: Reading, training: bool) -> tuple[Array, States, ScanPullback]:
    """As `scan`, and the pullback."""
    if takes_all_steps(cell):
        result: tuple[Array, States, ScanPullback] = cell.scan_vjp(reading, training)
        return result
    x, _, y, mask = reading
    steps, pullbacks, cut = Steps(cell, x, training), list[StepPullback](), way_back().tbptt

    def step(x_t: Array, states: States) -> tuple[Array, States]:
        output, new_states, pullback = steps.vjp(x_t, states)
        pullbacks.append(pullback)
        return output, new_states

    last, new_states = walk(step, reading, output_size(cell))

    def pullback(dy: Array | None, dstates: Any, dx: Array | None) -> tuple[list[Array], Any]:
        doutputs = every_output(dy, y, last, mask, len(x))
        dstates = filled(dstates, size_tree(cell), x.shape[1], x.dtype)
        totals = [np.zeros_like(variable.value) for variable in weights_of(cell)]
        return totals, walk_back(pullbacks, doutputs, dstates, mask, dx, totals, cut)

    return last, new_states, pullback


def takes_all_steps(cell: Any) -> bool:
    """Whether a cell takes all steps in one call, by a `scan` that goes with its `call`."""
    return has_built_in_call(cell) or belongs(cell, "scan")


def has_built_in_call(cell: Any) -> bool:
    """Whether a cell is a built-in one, and nobody has put another `call` in place of its own."""
    return getattr(cell.call, "__func__", None) is RecurrentCell.call


def is_compiled(cell: Any) -> bool:
    """Whether a cell is one of the core, which takes all steps in one call."""
    return isinstance(cell, RecurrentCell) and takes_all_steps(cell) and cell.in_core


def starts_from_zeros(cell: Any) -> bool:
    """Whether None does as the first states of a cell: it is a built-in one, with no start of its own."""
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
    """Return the weights of a cell that have gradients; one that is no layer has none."""
    return cell.differentiated if isinstance(cell, Layer) else []


class Steps:
    """The steps of one cell, with everything it gives checked.

    Parameters
    ----------
    cell : layer
        Has `call`, and perhaps `vjp`; each may take the argument `training`.
    x : ndarray
        The inputs of all steps, ``(T, N, I)``.
    training : bool
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
