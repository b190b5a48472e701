"""Loss and metrics over the batches of an epoch, for every run its own."""

import copy
from collections import deque
from typing import Any

import numpy as np

from ..foundation.variable import Variable
from ..losses import apply_mask
from ..metrics import Metric
from .data import Parts
from .objective import Outcome

Logs = dict[str, float]

_GATHERING = (list, dict, set, np.ndarray, Variable, Metric)


Measures = list[list[Metric]]
"""The metrics of each output."""


class Meters:
    """Loss and metrics of the batches of one run since the last reset."""

    def __init__(self, owner: "CompiledMetrics", plain: Measures, weighted: Measures) -> None:
        self.owner, self.plain, self.weighted = owner, plain, weighted
        self.all = [metric for output in (*plain, *weighted) for metric in output]
        self.total, self.rows, self.batches = 0.0, 0, 0
        self.losses = [0.0] * len(owner.outputs)

    def reset(self) -> None:
        """Forget the batches."""
        self.total, self.rows, self.batches = 0.0, 0, 0
        self.losses = [0.0] * len(self.losses)
        for metric in self.all:
            metric.reset_state()

    def update(self, outcome: Outcome, ys: Parts, weights: Parts) -> None:
        """Take in one batch."""
        rows = len(outcome.outputs[0])
        self.total += outcome.loss * rows
        self.rows += rows
        self.batches += 1
        for k, output in enumerate(outcome.outputs):
            self.losses[k] += outcome.losses[k]
            mask = outcome.masks[k]
            if self.plain[k]:
                plain = apply_mask(None, mask, output.dtype, mean=False)
                for metric in self.plain[k]:
                    _update(metric, ys[k], output, plain)
            if self.weighted[k]:
                weighted = apply_mask(weights[k], mask, output.dtype, mean=False)
                for metric in self.weighted[k]:
                    _update(metric, ys[k], output, weighted)

    def values(self) -> Logs:
        """Loss first, then that of each output if there are several, then the metrics, output by output."""
        found = {"loss": self.total / self.rows if self.rows else 0.0}
        for name, k in self.owner.loss_names.items():
            # All batches count alike here, as in Keras, also a last one with fewer rows.
            found[name] = self.losses[k] / max(self.batches, 1)
        return found | dict(zip(self.owner.names, [float(metric.result()) for metric in self.all], strict=True))

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
    outputs
        Names of the outputs.
    plain, weighted
        The metrics themselves, of each output. Runs do not work with them, but leave there what they have found.
    with_loss
        Which outputs have a loss.
    """

    def __init__(self, outputs: list[str], plain: Measures, weighted: Measures, with_loss: list[bool]) -> None:
        self.outputs, self.plain, self.weighted = outputs, plain, weighted
        several = sum(with_loss) > 1
        self.loss_names = {f"{name}_loss": k for k, name in enumerate(outputs) if several and with_loss[k]}
        self.names = _log_names(outputs, plain, weighted)
        _check_names(["loss", *self.loss_names, *self.names])
        self._unused = [[_copied(metric) for metric in output] for output in (*plain, *weighted)]
        self._spare: deque[Meters] = deque()

    @property
    def all(self) -> list[Metric]:
        """Plain and weighted ones."""
        return [metric for output in (*self.plain, *self.weighted) for metric in output]

    def reset(self) -> None:
        """Forget what runs have left."""
        for metric in self.all:
            metric.reset_state()

    def take(self) -> Meters:
        """Return meters for one run that have seen nothing."""
        try:
            meters = self._spare.pop()
        except IndexError:  # all are in use
            copies, number = [[_copied(metric) for metric in output] for output in self._unused], len(self.plain)
            meters = Meters(self, copies[:number], copies[number:])
        meters.reset()
        return meters

    def give_back(self, meters: Meters) -> None:
        """Leave what a run has found in the metrics, and keep its meters for the next one."""
        for metric, own in zip(self.all, meters.all, strict=True):
            vars(metric).update(_state(own))
        self._spare.append(meters)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_spare": deque()}


def _update(metric: Metric, y: Any, output: Any, weights: Any) -> None:
    """Take in one batch; a metric of one's own may know of no weights."""
    metric.update_state(y, output, *(() if weights is None else (weights,)))


def _copied(metric: Metric) -> Metric:
    twin = copy.copy(metric)
    vars(twin).update(_state(metric))
    return twin


def _state(metric: Metric) -> dict[str, Any]:
    """Attributes of `metric`, copied where they gather numbers; a model or a function it knows stays the same."""
    return {
        name: copy.deepcopy(value) if isinstance(value, _GATHERING) else value for name, value in vars(metric).items()
    }


def _log_names(outputs: list[str], plain: Measures, weighted: Measures) -> list[str]:
    """Names under which the metrics are logged: with that of the output before them if there are several."""
    names: list[str] = []
    for name, measures in zip(outputs, plain, strict=True):
        prefix = f"{name}_" if len(outputs) > 1 else ""
        for i, metric in enumerate(measures):
            repeats = sum(other.name == metric.name for other in measures[:i])
            names.append(f"{prefix}{metric.name}_{repeats}" if repeats else f"{prefix}{metric.name}")
    for name, measures in zip(outputs, weighted, strict=True):
        prefix = f"{name}_" if len(outputs) > 1 else ""
        for metric in measures:
            taken = f"{prefix}{metric.name}" in names
            names.append(f"{prefix}weighted_{metric.name}" if taken else f"{prefix}{metric.name}")
    return names


def _check_names(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"metrics: the name {name!r} stands for something else already; give name= another")
