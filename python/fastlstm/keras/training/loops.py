"""Going through batches: an epoch of training, an evaluation, a prediction."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..callbacks import CallbackList
from ..foundation.arrays import Array, user_stacklevel
from ..foundation.deferring import Change, deferring
from ..foundation.variable import Variable, seeing, values_now
from ..graph.network import Network
from ..optimizers import Optimizer
from .data import Batch, Source
from .interrupts import WholeSteps
from .meters import Logs, Meters
from .objective import Objective, Outcome
from .progress import ProgressBar
from .stopping import Stop


class Training(NamedTuple):
    """What an epoch of training needs beside its batches."""

    new_objective: Callable[[], Objective]
    optimizer: Optimizer
    hooks: CallbackList
    gate: WholeSteps
    stop: Stop
    new_meters: Callable[[], Meters]

    def epoch(self, source: Source, bar: ProgressBar | None, watch: FiniteWatch) -> tuple[int, Logs]:
        """Go through the batches of an epoch; return how many there were, and the logs."""
        begin, end = self.hooks.hook("on_train_batch_begin"), self.hooks.hook("on_train_batch_end")
        steps, meters, objective = 0, None, self.new_objective()
        with np.errstate(all="ignore"):
            for batch in source.epoch():
                meters = self.new_meters() if meters is None else meters
                for method in begin:
                    method(steps, {})
                outcome = train_step(objective, self.optimizer, self.gate, batch)
                meters.update(outcome, batch[1], batch[2])
                steps += 1
                if not math.isfinite(outcome.loss):
                    watch.found(outcome.loss, steps)
                _after(end, bar, steps, meters)
                if self.stop.asked:
                    break
        return steps, {} if meters is None else dict(sorted(meters.finish().items()))


def train_step(objective: Objective, optimizer: Optimizer, gate: WholeSteps, batch: Batch) -> Outcome:
    """Change the weights by one step."""
    with deferring() as changes:
        outcome, gradients = objective.gradients(*batch)
    gate.run(_replace, optimizer, gradients, objective.variables, changes)
    return outcome


def _replace(optimizer: Optimizer, gradients: list[Array], variables: list[Variable], changes: list[Change]) -> None:
    """Change what training changes, and what layers change by themselves."""
    if gradients:
        optimizer.apply(gradients, variables)
    for made in changes:
        made()


def _after(end: Sequence[Callable[..., Any]], bar: ProgressBar | None, steps: int, meters: Meters) -> None:
    """Tell callbacks and progress bar about a batch."""
    if end:
        logs = meters.logs()
        for method in end:
            method(steps - 1, logs)
    if bar is not None and bar.due(steps):
        bar.draw(steps, meters.logs())


def evaluated(
    source: Source,
    new_objective: Callable[[], Objective],
    hooks: CallbackList,
    bar: ProgressBar | None,
    new_meters: Callable[[], Meters],
) -> Logs:
    """Loss and metrics in the order of `metrics_names`; empty if a validation got no more batches."""
    begin, end = hooks.hook("on_test_batch_begin"), hooks.hook("on_test_batch_end")
    hooks.call("on_test_begin", {})
    steps, meters, objective = 0, None, new_objective()
    with np.errstate(all="ignore"):
        for batch in source.epoch():
            meters = new_meters() if meters is None else meters
            for method in begin:
                method(steps, {})
            meters.update(objective.evaluate(*batch), batch[1], batch[2])
            steps += 1
            _after(end, bar, steps, meters)
    values = {} if meters is None else meters.finish()
    logs = dict(sorted(values.items()))
    hooks.call("on_test_end", logs)
    if bar is not None:
        bar.finish(steps, logs)
    return values


def predicted(
    source: Source,
    network: Network,
    hooks: CallbackList,
    bar: ProgressBar | None,
    as_given: Callable[[Sequence[Array]], Any],
) -> list[Array]:
    """Return the outputs for all batches, one array each."""
    begin, end = hooks.hook("on_predict_batch_begin"), hooks.hook("on_predict_batch_end")
    found: list[list[Array]] = []
    # Those of the start for all batches; what callbacks do goes by those of then.
    values = values_now(network.plan.weights)
    hooks.call("on_predict_begin", {})
    for step, (xs, _, _) in enumerate(source.epoch()):
        for method in begin:
            method(step, {})
        with seeing(values):
            found.append(own(network.infer(xs), xs))
        for method in end:
            method(step, {"outputs": as_given(found[-1])})
        if bar is not None and bar.due(step + 1):
            bar.draw(step + 1, {})
    hooks.call("on_predict_end", {})
    if bar is not None:
        bar.finish(len(found), {})
    if not found:  # there were no rows; the source is of arrays then
        return network.infer(source.batch[0])  # type: ignore[union-attr]
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def own(outputs: Sequence[Array], xs: Sequence[Array]) -> list[Array]:
    """Return the outputs, copied where they are (a part of) what the user gave, or one of another."""
    return [
        y.copy() if any([np.may_share_memory(y, other) for other in (*xs, *outputs[:k])]) else y
        for k, y in enumerate(outputs)
    ]


class FiniteWatch:
    """Warns once a training when the loss is not finite."""

    def __init__(self) -> None:
        self._epoch, self._warned = 0, False

    def at(self, epoch: int) -> FiniteWatch:
        """Take note of which epoch it is."""
        self._epoch = epoch
        return self

    def found(self, loss: float, batch: int) -> None:
        """Warn about this loss, unless that has been done."""
        if not self._warned:
            self._warned = True
            message = (
                f"the loss is {loss} at epoch {self._epoch + 1}, batch {batch}; look for NaN in the data, lower the "
                "learning rate or set clipnorm, or stop with callbacks.TerminateOnNaN()"
            )
            warnings.warn(message, RuntimeWarning, stacklevel=user_stacklevel())
