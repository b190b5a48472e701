"""What holds for the time of a step of training.

It is said around the step, as layers anywhere inside go by it: how gradients go through time, who is told how large
they are, that what layers change of their own weights waits for the end, and how what they sum over rows becomes a sum
over those of the whole batch, where these are computed in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeAlias

from fastlstm.scopes import Scoped
from fastlstm.through_time import WHOLE, Flow, ThroughTime

from .arrays import Array

Total: TypeAlias = Callable[[Array], Array]
"""Takes sums ``(K,)`` over the rows of a part of a batch, and gives those over the rows of all parts."""


class Change(NamedTuple):
    """What a layer changes of its own weights."""

    made: Callable[[], None]
    """Makes it."""
    of_all: bool
    """Whether it comes to the same for every part of a batch, as it follows from sums over all of them."""


Listener: TypeAlias = Callable[[Any, Flow, Array | None], None]
"""``listener(cell, flow, mask)``: a cell has gone back through its steps, those that the `mask` (T, N) has, or all."""


class TrainingStep(NamedTuple):
    """What holds for a step."""

    by: ThroughTime
    """How gradients of recurrent layers go through time."""
    listeners: Sequence[Listener]
    """Who is told how large gradients of states are."""
    changes: list[Change] | None
    """What is to be changed when it is done; None: there is no step, and changes are made at once."""
    total: Total
    """How sums over rows become those of the whole batch."""

    def make_changes(self) -> None:
        """Change what layers change by themselves."""
        for made, _ in self.changes or ():
            made()


def itself(own: Array) -> Array:
    """Return the sum over all parts of a batch, which is computed in one."""
    return own


_step = Scoped("step", TrainingStep(WHOLE, (), None, itself))


def training_step(by: ThroughTime = WHOLE, listeners: Sequence[Listener] = ()) -> AbstractContextManager[TrainingStep]:
    """For this thread and the time of a block, gradients go through time this way, and changes are collected.

    Those who do the step make them in the end: one that fails or is done over leaves the weights as they were.

    Parameters
    ----------
    by : ThroughTime
        The way.
    listeners : sequence of Listener
        Who is told how large they are.

    Examples
    --------
    >>> with training_step(ThroughTime(tbptt=20)) as step:
    ...     change(lambda: print("changed"))
    ...     way_back().tbptt
    20
    >>> step.make_changes()
    changed
    >>> way_back().tbptt is None
    True
    """
    return _step.being(TrainingStep(by, listeners, [], itself))


def part_of_batch(total: Total) -> AbstractContextManager[TrainingStep]:
    """For this thread and the time of a block, a part of a batch is computed, and its changes are collected apart.

    Examples
    --------
    >>> import numpy as np
    >>> with part_of_batch(lambda own: own + 3.0):  # which is what another part has
    ...     sum_over_parts(np.ones(1))
    array([4.])
    """
    return _step.being(_step.get()._replace(total=total, changes=[]))


def sum_over_parts(own: Array) -> Array:
    """Return the sum over the rows of the whole batch, of which this thread has a part; only to be read.

    All parts must ask for the same sums in the same order; each waits for the others.

    Parameters
    ----------
    own : ndarray
        Sums over the rows of the part, float64 ``(K,)``.
    """
    return _step.get().total(own)


def way_back() -> ThroughTime:
    """Return how gradients of what this thread runs next are to go through time."""
    return _step.get().by


def listeners() -> Sequence[Listener]:
    """Return who is told how large gradients of states are."""
    return _step.get().listeners


def change(made: Callable[[], None], of_all: bool = False) -> None:
    """Make a change now, or let the step make it that this thread is in; `of_all`: see `Change`."""
    changes = _step.get().changes
    if changes is None:
        made()
    else:
        changes.append(Change(made, of_all))


def awaits_changes() -> bool:
    """Whether the step that this thread is in has changes to make."""
    return bool(_step.get().changes)


def forget_changes() -> None:
    """Forget those of the step that this thread is in, which is done over."""
    changes = _step.get().changes
    if changes is not None:
        changes.clear()
