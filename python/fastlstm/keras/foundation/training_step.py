"""What holds for the time of a step of training.

It is said around the step, as layers anywhere inside go by it: how gradients go through time, who is told how large
they are, and that what layers change of their own weights waits for the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeAlias

from fastlstm.scopes import Scoped
from fastlstm.through_time import WHOLE, Flow, ThroughTime

from .arrays import Array

Change: TypeAlias = Callable[[], None]

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

    def make_changes(self) -> None:
        """Change what layers change by themselves."""
        for made in self.changes or ():
            made()


_step = Scoped("step", TrainingStep(WHOLE, (), None))


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
    >>> step.changes[0]()
    changed
    >>> way_back().tbptt is None
    True
    """
    return _step.being(TrainingStep(by, listeners, []))


def way_back() -> ThroughTime:
    """Return how gradients of what this thread runs next are to go through time."""
    return _step.get().by


def listeners() -> Sequence[Listener]:
    """Return who is told how large gradients of states are."""
    return _step.get().listeners


def change(made: Change) -> None:
    """Make a change now, or let the step make it that this thread is in."""
    changes = _step.get().changes
    if changes is None:
        made()
    else:
        changes.append(made)


def awaits_changes() -> bool:
    """Whether the step that this thread is in has changes to make."""
    return bool(_step.get().changes)


def forget_changes() -> None:
    """Forget those of the step that this thread is in, which is done over."""
    changes = _step.get().changes
    if changes is not None:
        changes.clear()
