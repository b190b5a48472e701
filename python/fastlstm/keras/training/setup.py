"""What runs of a model work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..callbacks import CallbackList
from ..optimizers import Optimizer
from .meters import Meters
from .objective import Objective
from .progress import ProgressBar


class Setup(NamedTuple):
    """What is asked for when a run begins, as it may be another one then."""

    objective: Callable[[], Objective]
    meters: Callable[[], Meters]
    optimizer: Callable[[], Optimizer]
    measures: Callable[[], bool]
    """Whether there are meters, which follow from a first batch."""


class Watchers(NamedTuple):
    """Who is told about batches."""

    hooks: CallbackList
    bar: ProgressBar | None

    def after(self, end: Sequence[Callable[..., Any]], steps: int, meters: Meters) -> None:
        """Tell callbacks and progress bar about a batch with loss and metrics."""
        if end:
            logs = meters.logs()
            for method in end:
                method(steps - 1, logs)
        if self.bar is not None and self.bar.due(steps):
            self.bar.draw(steps, meters.logs())
