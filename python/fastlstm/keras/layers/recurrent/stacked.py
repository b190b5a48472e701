"""Cells on top of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation import core
from ...foundation.arrays import Array, Shape
from ...foundation.boxes import is_box
from ...foundation.passes import trying
from ...foundation.trees import leaves
from ..base import Layer
from ..configs import describe_layer
from ..wrapper import Wrapper
from .cell import Cell, ScanPullback, output_size, size_tree
from .loop import Reading, StepPullback
from .states import States, as_lists
from .steps import Steps, initial_states, label, scan, scan_vjp


class StackedRNNCells(Cell, Wrapper):
    """Cells on top of each other that are one cell together: each takes the output of the one before.

    Parameters
    ----------
    cells : sequence
        Cells of any kind, see `RNN`.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `cells` has another form, or inputs have another shape.
    TypeError
        If `cells` has another type.

    Notes
    -----
    The states are a list with those of each cell. Over a whole sequence each cell takes all its steps before the next
    cell begins, which comes to the same and lets every built-in cell run in the compiled core.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> cells = layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(2)])
    >>> cells.state_size
    [[4, 4], 2]
    >>> layers.RNN(cells)(np.ones((5, 7, 3))).shape
    (5, 2)
    """

    inner_names = ("cells",)

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        if not isinstance(cells, list | tuple) or not cells:
            error = ValueError if isinstance(cells, list | tuple) else TypeError
            checks.refuse(error, f"{type(self).__name__}: cells", "a list of at least one cell", cells)
        self.cells = [checked_cell(cell, f"{type(self).__name__}: cells") for cell in cells]
        super().__init__(inner=[cell for cell in cells if isinstance(cell, Layer)], **kwargs)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """That of the last cell."""
        return output_size(self.cells[-1])

    def _create_weights(self, input_shape: Shape) -> None:
        for cell in self.cells:
            build_cell(cell, input_shape)
            input_shape = (input_shape[0], output_size(cell))
        self._adopt_weights()

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Return the states that each cell starts with."""
        return [as_lists(initial_states(cell, batch_size, self.dtype)) for cell in self.cells]

    def call(self, inputs: Array, states: Any, training: bool = False) -> tuple[Array, Any]:
        """See `Cell.call`."""
        new_states, tracing = [], any(map(is_box, [inputs, *leaves(states)]))
        for cell, entry in zip(self.cells, states, strict=True):
            if tracing:
                inputs, entry = cell(inputs, entry)
            else:
                inputs, entry = Steps(cell, inputs[None], training).call(inputs, entry)
            new_states.append(as_lists(entry))
        return inputs, new_states

    def vjp(  # type: ignore[override]
        self, inputs: Array, states: Any, training: bool = True
    ) -> tuple[tuple[Array, Any], StepPullback]:
        """See `RecurrentCell.vjp`."""
        new_states, pullbacks = [], []
        for cell, entry in zip(self.cells, states, strict=True):
            inputs, entry, pullback = Steps(cell, inputs[None], training).vjp(inputs, entry)
            new_states.append(as_lists(entry))
            pullbacks.append(pullback)

        def through(doutput: Array, dstates: Any) -> tuple[Array, Any, list[Array]]:
            before, parts = list[Any](), list[list[Array]]()
            for pullback, entry in zip(reversed(pullbacks), reversed(dstates), strict=True):
                doutput, entry, gradients = pullback(doutput, entry)
                before.append(as_lists(entry))
                parts.append(gradients)
            return doutput, before[::-1], [gradient for part in reversed(parts) for gradient in part]

        return (inputs, new_states), through

    def scan(self, reading: Reading, training: bool) -> tuple[Array, States]:
        """Take all steps, cell by cell; see `steps.scan`."""
        new_states, last, x = list[States](), reading.x, reading.x
        for cell, level in self._levels(reading):
            last, states = scan(cell, level._replace(x=x), training)
            new_states.append(states)
            x = last if level.y is None else level.y
        return last, tuple(new_states)

    def scan_vjp(self, reading: Reading, training: bool) -> tuple[Array, States, ScanPullback]:
        """Take all steps, cell by cell, and return the pullback; see `steps.scan_vjp`."""
        new_states, pullbacks, last, x = list[States](), list[tuple[Array, ScanPullback]](), reading.x, reading.x
        for cell, level in self._levels(reading):
            last, states, pullback = scan_vjp(cell, level._replace(x=x), training)
            new_states.append(states)
            pullbacks.append((x, pullback))
            x = last if level.y is None else level.y

        def through(dy: Array | None, dstates: Any, dx: Array | None) -> tuple[list[Array], Any]:
            parts, before = list[list[Array]](), list[Any]()
            for level in range(len(pullbacks) - 1, -1, -1):
                inputs, pullback = pullbacks[level]
                slope = core.empty(inputs.shape, inputs.dtype) if level else dx
                gradients, dstart = pullback(dy, None if dstates is None else dstates[level], slope)
                parts.append(gradients)
                before.append(dstart)
                dy = slope
            return [gradient for part in reversed(parts) for gradient in part], tuple(before[::-1])

        return last, tuple(new_states), through

    def _levels(self, reading: Reading) -> list[tuple[Any, Reading]]:
        """Each cell with what it reads, but that all have the inputs of the first."""
        x, start, y, mask = reading
        inner = [core.empty((*x.shape[:2], output_size(cell)), x.dtype) for cell in self.cells[:-1]]
        starts = (None,) * len(self.cells) if start is None else start
        triples = zip(self.cells, starts, [*inner, y], strict=True)
        return [(cell, Reading(x, states, out, mask)) for cell, states, out in triples]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"cells": [describe_layer(cell) for cell in self.cells]}


def checked_cell(cell: Any, argument: str) -> Any:
    """`cell`, if it is one, or TypeError about the argument."""
    if isinstance(cell, type):
        checks.refuse(TypeError, argument, f"an instance, {cell.__name__}(...)", cell)
    for name in ("call", "state_size"):
        if getattr(cell, name, None) is None or getattr(type(cell), name, None) is Layer.call:
            checks.refuse(TypeError, argument, f"an object with state_size and call(), {name} is missing", cell)
    _check_size(cell, argument, "state_size", "a positive integer or a list of such", size_tree)
    cure = "; inputs and outputs of a cell are arrays (batch, features)"
    _check_size(cell, argument, "output_size", "a positive integer", output_size, cure)
    return cell


def _check_size(
    cell: Any, argument: str, name: str, wanted: str, size_of: Callable[[Any], Any], cure: str = ""
) -> None:
    """TypeError about the argument if an attribute of a cell is no size."""
    try:
        sizes = leaves(size_of(cell))
    except (TypeError, ValueError):
        sizes = []
    if not sizes or any(size < 1 for size in sizes):
        checks.refuse(TypeError, f"{argument}: {name} of {label(cell)}", wanted, getattr(cell, name), cure)


def build_cell(cell: Any, input_shape: Shape) -> None:
    """Create the weights of a cell for inputs ``(N, I)``, if it has a `build`."""
    if isinstance(cell, Layer):
        cell.ensure_built(input_shape)
        if cell.composed:  # layers inside are built when they are called
            x = np.zeros((1, int(input_shape[-1] or 1)), cell.dtype)
            with trying():
                Steps(cell, x[None], False).unchecked(x, initial_states(cell, 1, cell.dtype))
    elif hasattr(cell, "build"):
        cell.build(input_shape)
