"""What layers change of their own weights in training: at once, or after the step that it belongs to."""

import threading
from collections.abc import Callable
from typing import TypeAlias

Change: TypeAlias = Callable[[], None]


class _Deferred(threading.local):
    changes: list[Change] | None = None


_deferred = _Deferred()


class deferring:  # noqa: N801 - used as a function
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

    def __enter__(self) -> list[Change]:
        self._outer, _deferred.changes = _deferred.changes, list[Change]()
        return _deferred.changes

    def __exit__(self, *error: object) -> None:
        _deferred.changes = self._outer


def change(made: Change) -> None:
    """Make a change now, or let the step make it that this thread is in."""
    if _deferred.changes is None:
        made()
    else:
        _deferred.changes.append(made)


def forget_changes() -> None:
    """Forget those of the step that this thread is in, which is done over."""
    if _deferred.changes is not None:
        _deferred.changes.clear()
