"""What a layer of a stream keeps from one step to the next, if its output depends on more than the input at a step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .base import Step


class Memory(Protocol):
    """Arrays that a layer keeps, the sequences along their first axis."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays."""

    @property
    def state(self) -> list[Array]:
        """Copies of the arrays; may be assigned."""

    @state.setter
    def state(self, state: Sequence[Array]) -> None: ...

    def reset(self) -> None:
        """Begin anew."""


class History:
    """The last steps of some sequences, the latest one included; zeros before the first.

    Each is kept twice, so that the last ones lie in order and side by side after every step.

    Parameters
    ----------
    x : ndarray
        Array ``(N, features)`` that will hold each step.
    steps : int
        Number of steps that are looked at, two or more.
    """

    names = ("inputs",)

    def __init__(self, x: Array, steps: int) -> None:
        rows, features = x.shape
        shape = rows, 2 * steps, features
        with checks.memory("kernel_size", steps, rows * 2 * steps * features * x.itemsize):
            self._kept = np.zeros(shape, x.dtype)
        self._places = [self._kept[:, k::steps] for k in range(steps)]
        self._windows = [self._kept[:, k + 1 : k + 1 + steps] for k in range(steps)]
        self._next = 0

    def add(self, x: Array) -> Array:
        """Add a step; return a view of the last ones ``(N, steps, features)``, oldest first."""
        place = self._next
        np.copyto(self._places[place], x[:, None])
        self._next = (place + 1) % len(self._places)
        return self._windows[place]

    @property
    def state(self) -> list[Array]:
        """A copy of what the next step will see besides itself, ``(N, steps - 1, features)``; may be assigned."""
        return [self._windows[self._next - 1][:, 1:].copy()]

    @state.setter
    def state(self, state: Sequence[Array]) -> None:
        steps = len(self._places)
        self._kept[:, : steps - 1] = self._kept[:, steps:-1] = state[0]
        self._next = steps - 1

    def reset(self) -> None:
        """Forget all steps."""
        self._kept[...] = 0


@dataclass(frozen=True)
class StepWithMemory:
    """A step of a layer, and what it keeps until the next one."""

    run: Step
    memory: Memory

    def __call__(self) -> None:
        """Compute the output of a step."""
        self.run()
