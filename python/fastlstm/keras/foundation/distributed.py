"""Which distribution is in force: how a training is shared out among the processes of a job."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from fastlstm.scopes import Scoped


class _Process:
    distribution: Any = None
    """A `DataParallel`, which is a floor above this one; None: every process trains for itself."""


_process = _Process()
_block: Scoped[tuple[Any] | None] = Scoped("distribution", None)


def current() -> Any:
    """Return what is in force in this thread: that of a block, else that of the process; None: there is none."""
    block = _block.get()
    return _process.distribution if block is None else block[0]


def set_current(distribution: Any) -> None:
    """Let a distribution be in force in the process, outside of blocks."""
    _process.distribution = distribution


def being(distribution: Any) -> AbstractContextManager[Any]:
    """For this thread and the time of a block, a distribution is in force, or none."""
    return _block.being((distribution,))


def speaks() -> bool:
    """Whether this process tells its users anything: of those that train together only the first does."""
    distribution = current()
    return distribution is None or distribution.rank == 0
