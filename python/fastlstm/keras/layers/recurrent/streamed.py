"""Cells of a stream that are stepped in Python: built-in ones, and stacks of such."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from ...foundation.trees import leaves
from .cell import RecurrentCell
from .loop import Step
from .stacked import StackedRNNCells
from .states import States, grown, tree_map, zeros
from .steps import has_built_in_call, label


class CellMemory:
    """States of a cell, see `history.Memory`.

    Parameters
    ----------
    names : sequence of str
        Of the single arrays.
    sizes : int or sequence of int
        Tree of their sizes.
    rows : int
        Number of sequences.
    dtype : dtype
        Of the arrays.
    """

    def __init__(self, names: Sequence[str], sizes: Any, rows: int, dtype: np.dtype[Any]) -> None:
        self.names, self._sizes = names, sizes
        self.states: States = zeros(sizes, rows, dtype)

    @property
    def state(self) -> list[Array]:
        """See `history.Memory`."""
        return [array.copy() for array in leaves(self.states)]

    @state.setter
    def state(self, state: Sequence[Array]) -> None:
        self.states = grown(iter([np.array(array) for array in state]), self._sizes)

    def reset(self) -> None:
        """See `history.Memory`."""
        self.states = tree_map(np.zeros_like, self.states)


def step_of_now(cell: Any) -> Step:
    """Return the step of a cell with the weights that it has now; ValueError for one of a user's own."""
    if type(cell) is StackedRNNCells:
        return _in_turn([step_of_now(part) for part in cell.cells])
    if not (isinstance(cell, RecurrentCell) and has_built_in_call(cell)):
        must = "be a built-in one, or a stack of such, for the layer to be streamed"
        checks.complain(ValueError, f"{label(cell)}: the cell", must, checks.shown(cell))
    return cell.step_of_now()


def _in_turn(steps: Sequence[Step]) -> Step:
    def step(x_t: Array, states: States) -> tuple[Array, States]:
        found = []
        for one, entry in zip(steps, states, strict=True):
            x_t, new = one(x_t, entry)
            found.append(new)
        return x_t, tuple(found)

    return step


def state_names(cell: Any) -> list[str]:
    """Return the names of the states of a cell, or of all cells of a stack."""
    if isinstance(cell, StackedRNNCells):
        return [f"{label(part)} {name}" for part in cell.cells for name in state_names(part)]
    return list(getattr(cell, "state_names", ()))
