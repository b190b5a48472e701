"""How gradients go through time in a step of training, and who is told how large they are.

It is said around the step, as layers anywhere inside go by it.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeAlias

from fastlstm.scopes import Scoped
from fastlstm.through_time import WHOLE, Flow, ThroughTime

from .arrays import Array

Listener: TypeAlias = Callable[[Any, Flow, Array | None], None]
"""``listener(cell, flow, mask)``: a cell has gone back through its steps, those that the `mask` (T, N) has, or all."""


class _Way(NamedTuple):
    by: ThroughTime = WHOLE
    listeners: Sequence[Listener] = ()


_way = Scoped("way", _Way())


def way_back() -> ThroughTime:
    """Return how gradients of what this thread runs next are to go through time."""
    return _way.get().by


def listeners() -> Sequence[Listener]:
    """Return who is told how large gradients of states are."""
    return _way.get().listeners


def going_back(by: ThroughTime, listeners: Sequence[Listener] = ()) -> AbstractContextManager[object]:
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
    return _way.being(_Way(by, listeners))
