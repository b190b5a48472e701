"""How gradients go through time in a step of training, and who is told how large they are.

It is said around the step, as layers anywhere inside go by it.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from fastlstm.through_time import WHOLE, Flow, ThroughTime

from .arrays import Array

Listener: TypeAlias = Callable[[Any, Flow, Array | None], None]
"""``listener(cell, flow, mask)``: a cell has gone back through its steps, those that the `mask` (T, N) has, or all."""


class _Said(threading.local):
    by: ThroughTime = WHOLE
    listeners: Sequence[Listener] = ()


_said = _Said()


def way_back() -> ThroughTime:
    """Return how gradients of what this thread runs next are to go through time."""
    return _said.by


def listeners() -> Sequence[Listener]:
    """Return who is told how large gradients of states are."""
    return _said.listeners


class going_back:  # noqa: N801 - used as a function
    """For this thread and the time of a block, gradients of recurrent layers go through time this way.

    Parameters
    ----------
    by
        The way.
    listeners
        Who is told how large they are.

    Examples
    --------
    >>> with going_back(ThroughTime(tbptt=20)):
    ...     way_back().tbptt
    20
    >>> way_back().tbptt is None
    True
    """

    def __init__(self, by: ThroughTime, listeners: Sequence[Listener] = ()) -> None:
        self.by, self.listeners = by, listeners

    def __enter__(self) -> None:
        self._outer = _said.by, _said.listeners
        _said.by, _said.listeners = self.by, self.listeners

    def __exit__(self, *error: object) -> None:
        _said.by, _said.listeners = self._outer
