"""Two loops shared by all cells: one carries the steps forward through time, one the gradients back."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, States
from .gradients import Gradients


class Cell(Protocol):
    """A step, which is the cell's equations, and the derivative of that step.

    ``masks (G, N, P)`` holds what each gate's recurrent product multiplies the hidden state with.
    """

    @property
    def parameters(self) -> dict[str, Array]:
        """Weights and biases by the names `Gradients` has for them."""
        ...

    def step(self, x_t: Array, states: States, masks: Array) -> States:
        """From the states before the step to those after it."""
        ...

    def step_backward(self, x_t: Array, states: States, masks: Array, dstates: States) -> Gradients:
        """From the gradients of the states after the step to those of all that went into it."""
        ...


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
    for (t, rows), before in zip(reversed(walk.visits()), reversed(entered), strict=True):
        dstates[0][rows] += dy[t, rows]  # h_t is seen twice: as the output of this step and by the next one
        dafter = tuple(dstate[rows] for dstate in dstates)
        grads = cell.step_backward(x[t, rows], before, walk.masks[:, rows], dafter)
        dx[t, rows] = grads.x
        for dstate, new in zip(dstates, grads.states, strict=True):
            dstate[rows] = new
        for name, total in totals.items():
            total += getattr(grads, name)  # the same weights served every step
    return Gradients(dx, dstates[0], dstates[1] if len(dstates) == 2 else None, **totals)
