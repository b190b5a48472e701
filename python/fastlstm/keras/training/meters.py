"""Loss and metrics over the batches of an epoch, for every run its own."""

import copy
from collections import deque
from typing import Any

import numpy as np

from ..foundation.arrays import Array
from ..losses import apply_mask
from ..metrics import Metric
from .objective import Outcome

Logs = dict[str, float]

_GATHERING = (list, dict, set, np.ndarray, Metric)


class Meters:
    """Loss and metrics of the batches of one run since the last reset."""

    def __init__(self, owner: "CompiledMetrics", plain: list[Metric], weighted: list[Metric]) -> None:
        self.owner, self.plain, self.weighted = owner, plain, weighted
        self.total, self.rows = 0.0, 0

    def reset(self) -> None:
        """Forget the batches."""
        self.total, self.rows = 0.0, 0
        for metric in (*self.plain, *self.weighted):
            metric.reset_state()

    def update(self, outcome: Outcome, y: Array, weights: Array | None) -> None:
        """Take in one batch."""
        output, mask = outcome.outputs[0], outcome.masks[0]
        rows = len(output)
        self.total += outcome.loss * rows
        self.rows += rows
        plain = apply_mask(None, mask, output.dtype, mean=False)
        for metric in self.plain:
            metric.update_state(y, output, plain)
        weighted = apply_mask(weights, mask, output.dtype, mean=False) if self.weighted else None
        for metric in self.weighted:
            metric.update_state(y, output, weighted)

    def values(self) -> Logs:
        """Loss first, then the metrics as they were given."""
        results = (metric.result() for metric in (*self.plain, *self.weighted))
        return {"loss": self.total / self.rows if self.rows else 0.0} | dict(
            zip(self.owner.names, results, strict=True)
        )

    def logs(self) -> Logs:
        """Return the values in the order of the history: by name."""
        return dict(sorted(self.values().items()))

    def finish(self) -> Logs:
        """Return the values for good: another run may use these meters from now on."""
        values = self.values()
        self.owner.give_back(self)
        return values


class CompiledMetrics:
    """The metrics of a model, of which every run gets copies: runs may be inside one another, or in several threads.

    Parameters
    ----------
    plain, weighted
        The metrics themselves. Runs do not work with them, but leave there what they have found.
    """

    def __init__(self, plain: list[Metric], weighted: list[Metric]) -> None:
        self.plain, self.weighted = plain, weighted
        self.names = _log_names(plain, weighted)
        self._unused = [_copied(metric) for metric in self.all]
        self._spare: deque[Meters] = deque()

    @property
    def all(self) -> list[Metric]:
        """Plain and weighted ones."""
        return [*self.plain, *self.weighted]

    def reset(self) -> None:
        """Forget what runs have left."""
        for metric in self.all:
            metric.reset_state()

    def take(self) -> Meters:
        """Return meters for one run that have seen nothing."""
        try:
            meters = self._spare.pop()
        except IndexError:  # all are in use
            copies, number = [_copied(metric) for metric in self._unused], len(self.plain)
            meters = Meters(self, copies[:number], copies[number:])
        meters.reset()
        return meters

    def give_back(self, meters: Meters) -> None:
        """Leave what a run has found in the metrics, and keep its meters for the next one."""
        for metric, own in zip(self.all, (*meters.plain, *meters.weighted), strict=True):
            vars(metric).update(_state(own))
        self._spare.append(meters)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_spare": deque()}


def _copied(metric: Metric) -> Metric:
    twin = copy.copy(metric)
    vars(twin).update(_state(metric))
    return twin


def _state(metric: Metric) -> dict[str, Any]:
    """Attributes of `metric`, copied where they gather numbers; a model or a function it knows stays the same."""
    return {
        name: copy.deepcopy(value) if isinstance(value, _GATHERING) else value for name, value in vars(metric).items()
    }


def _log_names(plain: list[Metric], weighted: list[Metric]) -> list[str]:
    names: list[str] = []
    for metric in plain:
        repeats = sum(other.name == metric.name for other in plain[: len(names)])
        names.append(f"{metric.name}_{repeats}" if repeats else metric.name)
    for metric in weighted:
        names.append(f"weighted_{metric.name}" if metric.name in names else metric.name)
    for name in names:
        if name == "loss" or names.count(name) > 1:
            raise ValueError(f"metrics: the name {name!r} stands for something else already; give name= another")
    return names
