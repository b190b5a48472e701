"""Whether something depends on what training changes: on weights, by running a model, or on shared random numbers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from fastlstm.scopes import Scoped

from .carried import state_of_numbers

_runs = Scoped[list[None] | None]("runs", None)
"""An entry for each run of a model."""


def note_run() -> None:
    """Note that a model runs in this thread."""
    runs = _runs.get()
    if runs is not None:
        runs.append(None)


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
    before, runs = pickle.dumps(state_of_numbers()), list[None]()
    with _runs.being(runs):
        found = make()
    return found, bool(runs) or pickle.dumps(state_of_numbers()) != before
