"""What layers change of their own weights in training: at once, or after the step that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from fastlstm.scopes import Scoped

Change: TypeAlias = Callable[[], None]

_deferred = Scoped[list[Change] | None]("deferred", None)


def deferring() -> AbstractContextManager[list[Change]]:
    """For this thread and the time of a block, collect changes; those who do the step make them in the end.

    So a step that fails or is done over leaves the weights as they were.

    Examples
    --------
    >>> with deferring() as changes:
    ...     change(lambda: print("changed"))
    ...     print("step")
    step
    >>> changes[0]()
    changed
    """
    return _deferred.being([])  # type: ignore[return-value]


def change(made: Change) -> None:
    """Make a change now, or let the step make it that this thread is in."""
    changes = _deferred.get()
    if changes is None:
        made()
    else:
        changes.append(made)


def forget_changes() -> None:
    """Forget those of the step that this thread is in, which is done over."""
    changes = _deferred.get()
    if changes is not None:
        changes.clear()
