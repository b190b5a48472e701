"""Whether something depends on what training changes: on weights, by running a model, or on shared random numbers."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any

from .carried import state_of_process


class _Runs(threading.local):
    seen: int | None = None


_runs = _Runs()


def note_run() -> None:
    """Note that a model runs in this thread."""
    if _runs.seen is not None:
        _runs.seen += 1


def watched(make: Callable[[], Any]) -> tuple[Any, bool]:
    """Return what is made, and whether that ran a model or drew from the random generators that everybody draws from.

    Examples
    --------
    >>> import numpy as np
    >>> watched(lambda: 3)
    (3, False)
    >>> watched(lambda: np.random.rand(2).shape)
    ((2,), True)
    """
    before, outer, _runs.seen = pickle.dumps(state_of_process()), _runs.seen, 0
    try:
        found = make()
        return found, _runs.seen > 0 or pickle.dumps(state_of_process()) != before
    finally:
        _runs.seen = outer
