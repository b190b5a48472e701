"""Loss and metrics over the batches of an epoch, for every run its own."""

import copy
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..foundation.carried import State, check_keys
from ..foundation.variable import Variable
from ..losses import apply_mask
from ..metrics import Mean, Metric
from .data import Parts
from .names import Measures, check_distinct, listed, names_of_losses, names_of_metrics
from .objective import Outcome

Logs = dict[str, Any]
"""Numbers by name; a metric may also give an array."""

_GATHERING = (list, dict, set, np.ndarray, Variable, Metric)


class Meters:
    """Loss and metrics of the batches of one run since the last reset.

    Parameters
    ----------
    owner : CompiledMetrics
        Knows their names, and gets them back.
    plain, weighted : Measures
        The metrics of each output.
    """

    def __init__(self, owner: "CompiledMetrics", plain: Measures, weighted: Measures) -> None:
        self.owner = owner
        self.all = [metric for output in (*plain, *weighted) for metric in output]
        by_output = enumerate(zip(plain, weighted, strict=True))
        self._measured = [(k, metrics, more) for k, (metrics, more) in by_output if metrics or more]
        self._losses = dict.fromkeys(owner.loss_names, 0.0)
        self.total, self.rows, self.batches = 0.0, 0, 0

    def reset(self) -> None:
        """Forget the batches."""
        self._losses = dict.fromkeys(self._losses, 0.0)
        self.total, self.rows, self.batches = 0.0, 0, 0
        for metric in self.all:
            metric.reset_state()

    def update(self, outcome: Outcome, ys: Parts, weights: Parts) -> None:
        """Take in one batch."""
        self.count(outcome.loss, outcome.losses, len(outcome.outputs[0]))
        self.measure(outcome, ys, weights)

    def count(self, loss: float, losses: Sequence[float], rows: int) -> None:
        """Take in the loss of a batch, and those of its outputs."""
        self.total += loss * rows
        self.rows += rows
        self.batches += 1
        if self._losses:
            for name, k in self.owner.loss_names.items():
                self._losses[name] += losses[k]

    def measure(self, outcome: Outcome, ys: Parts, weights: Parts) -> None:
        """Take a batch into the metrics."""
        for k, plain, weighted in self._measured:
            output, mask = outcome.outputs[k], outcome.masks[k]
            there = None if mask is None else apply_mask(None, mask, output.dtype, mean=False)
            for metric in plain:
                _update(metric, ys[k], output, there)
            if weighted:
                there = apply_mask(weights[k], mask, output.dtype, mean=False)
                for metric in weighted:
                    _update(metric, ys[k], output, there)

    def values(self) -> Logs:
        """Loss first, then that of each output if there are several, then the metrics, output by output."""
        found = {"loss": self.total / self.rows if self.rows else 0.0}
        # The loss is a mean over rows, but that of an output is one over batches, a short last one counting like any:
        # so it is in Keras, which does not know the number of rows where it traces its graph. The curves are to agree.
        for name, total in self._losses.items():
            found[name] = total / max(self.batches, 1)
        return found | dict(zip(self.owner.names, [_plain(metric.result()) for metric in self.all], strict=True))

    def get_state(self) -> State:
        """Return what the batches since the last reset came to, for a checkpoint."""
        sums = {"losses": dict(self._losses), "total": self.total, "rows": self.rows, "batches": self.batches}
        return sums | {"metrics": dict(zip(self.owner.names, [m.get_state() for m in self.all], strict=True))}

    def set_state(self, state: State) -> None:
        """Go on from what `get_state` gave."""
        check_keys("metrics", state["metrics"], self.owner.names)
        check_keys("losses", state["losses"], self._losses)
        self._losses, self.total = state["losses"], state["total"]
        self.rows, self.batches = state["rows"], state["batches"]
        for name, metric in zip(self.owner.names, self.all, strict=True):
            metric.set_state(state["metrics"][name])

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
    plain, weighted : Measures
        The metrics themselves, of each output. Runs do not work with them, but leave there what they have found.
    prefixes : sequence of str
        What stands before the names of the metrics of each output.
    losses : sequence of str
        What the loss of each output is called, None for one without.
    """

    def __init__(
        self, plain: Measures, weighted: Measures, prefixes: Sequence[str], losses: Sequence[str | None]
    ) -> None:
        self.plain, self.weighted = plain, weighted
        self.loss_names = names_of_losses(losses)
        self.names = names_of_metrics(prefixes, plain, weighted)
        self.listed = listed(list(self.loss_names), self.names, self.metrics)
        check_distinct(["loss", *self.loss_names, *self.names])
        self.loss = Mean(name="loss")
        """The loss that the run that ended last has found."""
        self._unused = [[_copied(metric) for metric in output] for output in (*plain, *weighted)]
        self._spare = defaultdict[type[Meters], deque[Meters]](deque)

    name = "compile_metrics"
    """What Keras calls it."""

    @property
    def metrics(self) -> list[Metric]:
        """Plain and weighted ones."""
        return [metric for output in (*self.plain, *self.weighted) for metric in output]

    def result(self) -> Logs:
        """Return the values of the metrics by their names."""
        return dict(zip(self.names, [_plain(metric.result()) for metric in self.metrics], strict=True))

    def direction(self, name: str) -> str | None:
        """Whether what is logged under a name is better ``"up"`` or ``"down"``; None: nothing is."""
        if name == "loss" or name in self.loss_names:
            return "down"
        return self.metrics[self.names.index(name)].direction if name in self.names else None

    def reset(self) -> None:
        """Forget what runs have left."""
        for metric in (self.loss, *self.metrics):
            metric.reset_state()

    def take(self, kind: type[Meters] = Meters) -> Meters:
        """Return meters for one run that have seen nothing."""
        try:
            meters = self._spare[kind].pop()
        except IndexError:  # all are in use
            copies, number = [[_copied(metric) for metric in output] for output in self._unused], len(self.plain)
            meters = kind(self, copies[:number], copies[number:])
        meters.reset()
        return meters

    def give_back(self, meters: Meters) -> None:
        """Leave what a run has found in the metrics, and keep its meters for the next one."""
        for metric, own in zip(self.metrics, meters.all, strict=True):
            vars(metric).update(_state(own))
        self.loss.reset_state()
        self.loss.update_state(meters.values()["loss"], max(meters.rows, 1))
        self._spare[type(meters)].append(meters)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_spare": defaultdict(deque)}


def _plain(result: Any) -> Any:
    """Return a result as a number of Python, or as an array of several."""
    return float(result) if np.ndim(result) == 0 else np.asarray(result)


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
