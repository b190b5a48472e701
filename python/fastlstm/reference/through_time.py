"""How every cell goes through time: one loop carries its steps forward, one the gradients back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import float64, read_valid_steps
from .arrays import Array, States
from .cell import Cell
from .gradients import Gradients


class Walk(NamedTuple):
    """How the rows go through time: by which steps, in which order, under which masks."""

    valid: NDArray[np.bool_]  # (T, N)
    reverse: bool
    masks: Array  # (G, N, P), the same at every step

    def visits(self) -> list[tuple[int, NDArray[np.intp]]]:
        """List the steps in the order in which they are taken, each with the rows that take part."""
        T = len(self.valid)
        # A row takes part in its valid steps only and keeps its state in the others. That alone makes a reversed row
        # start at its last valid step, a forward row end there, and an empty row keep its initial state.
        return [(t, np.flatnonzero(self.valid[t])) for t in (reversed(range(T)) if self.reverse else range(T))]


class Run:
    """A cell over a batch of sequences, from arguments as the public functions get them.

    Parameters
    ----------
    cell : Cell
        The equations.
    x : array_like, shape (T, N, I)
        The sequences.
    states : dict
        Initial states, by the names of their arguments; None is zeros.
    lengths, mask, reverse, recurrent_masks : array_like; bool
        As for the public functions.
    """

    def __init__(
        self,
        cell: Cell,
        x: ArrayLike,
        states: Mapping[str, ArrayLike | None],
        *,
        lengths: ArrayLike | None,
        mask: ArrayLike | None,
        reverse: bool,
        recurrent_masks: ArrayLike | None,
    ) -> None:
        self.cell = cell
        self.x = float64("x", x, ("T", "N", cell.input_size))
        N = self.x.shape[1]
        self.states = cell.read_states(N, states)
        self.walk = Walk(read_valid_steps(self.x, lengths, mask), reverse, cell.read_masks(recurrent_masks, N))

    def forward(self) -> tuple[Array, States]:
        """Return ``y`` and the states each row ended with."""
        y, states, _ = forward_through_time(self.cell, self.x, self.states, self.walk)
        return y, states

    def backward(self, dy: ArrayLike | None, dstates: Mapping[str, ArrayLike | None]) -> Gradients:
        """From the gradients of ``y`` and of the last states to those of all that went in; None is zeros."""
        T, N, _ = self.x.shape
        dlast = self.cell.read_states(N, dstates)
        dy = float64("dy", dy, (T, N, self.cell.output_size))
        return backward_through_time(self.cell, self.x, self.states, self.walk, dy, dlast)


def forward_through_time(cell: Cell, x: Array, states: States, walk: Walk) -> tuple[Array, States, list[States]]:
    """Return ``y``, the states each row ended with, and those that entered each visit."""
    states = tuple(state.copy() for state in states)
    y = np.zeros((len(x), *states[0].shape))
    entered = []
    for t, rows in walk.visits():
        entered.append(tuple(state[rows] for state in states))
        for state, new in zip(states, cell.step(x[t, rows], entered[-1], walk.masks[:, rows]), strict=True):
            state[rows] = new
        y[t, rows] = states[0][rows]
    return y, states, entered


def backward_through_time(cell: Cell, x: Array, states: States, walk: Walk, dy: Array, dstates: States) -> Gradients:
    """Differentiate `forward_through_time`, from the gradients of ``y`` and of the last states."""
    _, _, entered = forward_through_time(cell, x, states, walk)
    dx = np.zeros_like(x)
    totals = {name: np.zeros_like(parameter) for name, parameter in cell.parameters.items()}
    dstates = tuple(dstate.copy() for dstate in dstates)
    norms = tuple(np.zeros(x.shape[:2]) for _ in dstates)
    for (t, rows), before in zip(reversed(walk.visits()), reversed(entered), strict=True):
        dstates[0][rows] += dy[t, rows]  # h_t is seen twice: as the output of this step and by the next one
        dafter = tuple(dstate[rows] for dstate in dstates)
        for norm, whole in zip(
            norms, cell.whole_gradients(x[t, rows], before, walk.masks[:, rows], dafter), strict=True
        ):
            norm[t, rows] = np.linalg.norm(whole, axis=1)
        grads = cell.step_backward(x[t, rows], before, walk.masks[:, rows], dafter)
        dx[t, rows] = grads.x
        for dstate, new in zip(dstates, grads.states, strict=True):
            dstate[rows] = new
        for name, total in totals.items():
            total += getattr(grads, name)  # the same weights served every step
    dc_0, c_norms = (dstates[1], norms[1]) if len(dstates) == 2 else (None, None)
    return Gradients(dx, dstates[0], dc_0, **totals, h_norms=norms[0], c_norms=c_norms)
