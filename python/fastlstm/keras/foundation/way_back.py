"""How gradients go through time in a step of training: said around it, as layers anywhere inside go by it."""

import threading

from fastlstm.through_time import WHOLE, ThroughTime


class _Said(threading.local):
    by: ThroughTime = WHOLE


_said = _Said()


def way_back() -> ThroughTime:
    """Return how gradients of what this thread runs next are to go through time."""
    return _said.by


class going_back:  # noqa: N801 - used as a function
    """For this thread and the time of a block, gradients of recurrent layers go through time this way.

    Parameters
    ----------
    by
        The way.

    Examples
    --------
    >>> with going_back(ThroughTime(tbptt=20)):
    ...     way_back().tbptt
    20
    >>> way_back().tbptt is None
    True
    """

    def __init__(self, by: ThroughTime) -> None:
        self.by = by

    def __enter__(self) -> None:
        self._outer, _said.by = _said.by, self.by

    def __exit__(self, *error: object) -> None:
        _said.by = self._outer
