"""Training: epochs, each of them batches, each of them a step."""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np

from ..callbacks import CallbackList
from ..foundation.arrays import Array, user_stacklevel
from ..foundation.deferring import Change, deferring
from ..foundation.messages import tell
from ..foundation.variable import Variable
from ..optimizers import Optimizer
from .data import Batch, Source
from .evaluation import evaluated
from .interrupts import WholeSteps
from .meters import Logs
from .objective import Objective, Outcome
from .progress import ProgressBar
from .run_options import FitOptions
from .setup import Setup, Watchers
from .stopping import Stop, Stops


def run_epochs(
    setup: Setup, source: Source, validation: Source | None, options: FitOptions, hooks: CallbackList, stops: Stops
) -> None:
    """Train for the epochs of the options, with a validation after those that want one."""
    verbose, epochs = options.verbose, options.epochs
    logs: Logs = {}
    with WholeSteps() as gate, stops.fit() as stop:
        training = _Training(setup, hooks, gate, stop, FiniteWatch())
        hooks.call("on_train_begin", {})
        epochs = hooks.epochs(epochs)
        for epoch in epochs:
            if verbose and epochs.stop > 1:
                tell(f"Epoch {epoch + 1}/{epochs.stop}")
            hooks.call("on_epoch_begin", epoch, {})
            bar = ProgressBar(source.steps, verbose) if verbose else None
            steps, logs = training.epoch(epoch, source, bar)
            if validation is not None and options.validates(epoch):
                found = evaluated(setup, validation, Watchers(hooks, None))
                logs |= {f"val_{name}": value for name, value in found.items()}
            logs = dict(sorted(logs.items()))
            hooks.call("on_epoch_end", epoch, logs)
            if bar is not None:
                bar.finish(steps, logs)
            if stop.asked or steps == 0:
                break
        if epochs:
            optimizer, variables = setup.optimizer(), setup.objective().variables
            gate.run(optimizer.finalize_variable_values, variables)
        hooks.call("on_train_end", logs)


class _Training(NamedTuple):
    """What the epochs of a training have in common."""

    setup: Setup
    hooks: CallbackList
    gate: WholeSteps
    stop: Stop
    watch: FiniteWatch

    def epoch(self, number: int, source: Source, bar: ProgressBar | None) -> tuple[int, Logs]:
        """Go through the batches of an epoch; return how many there were, and the logs."""
        begin, end = self.hooks.hook("on_train_batch_begin"), self.hooks.hook("on_train_batch_end")
        objective, optimizer = self.setup.objective(), self.setup.optimizer()
        steps, meters, watchers = 0, None, Watchers(self.hooks, bar)
        with np.errstate(all="ignore"):
            for batch in source.epoch():
                meters = self.setup.meters() if meters is None else meters
                for method in begin:
                    method(steps, {})
                outcome = train_step(objective, optimizer, self.gate, batch)
                meters.update(outcome, batch[1], batch[2])
                steps += 1
                if not math.isfinite(outcome.loss):
                    self.watch.found(outcome.loss, number, steps)
                watchers.after(end, steps, meters)
                if self.stop.asked:
                    break
        return steps, {} if meters is None else meters.finish()


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


class FiniteWatch:
    """Warns once a training when the loss is not finite."""

    def __init__(self) -> None:
        self._warned = False

    def found(self, loss: float, epoch: int, batch: int) -> None:
        """Warn about this loss, unless that has been done."""
        if not self._warned:
            self._warned = True
            message = (
                f"the loss is {loss} at epoch {epoch + 1}, batch {batch}; look for NaN in the data, lower the "
                "learning rate or set clipnorm, or stop with callbacks.TerminateOnNaN()"
            )
            warnings.warn(message, RuntimeWarning, stacklevel=user_stacklevel())
