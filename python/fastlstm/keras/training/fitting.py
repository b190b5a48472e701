"""Training: epochs, each of them batches, each of them a step."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple, TypeAlias

import numpy as np

from fastlstm.frames import user_stacklevel
from fastlstm.through_time import WHOLE, ThroughTime

from ..callbacks import CallbackList
from ..foundation.distributed import speaks
from ..foundation.messages import tell
from ..foundation.training_step import Listener, training_step
from ..optimizers import Optimizer
from .data import Batch
from .evaluation import evaluated
from .interrupts import WholeSteps
from .meters import Logs
from .objective import Objective, Outcome
from .progress import ProgressBar
from .run import Checkpoint, Run
from .run_options import FitOptions
from .setup import Setup, Watchers
from .stopping import Stops
from .streams import Source

Way: TypeAlias = tuple[ThroughTime, Sequence[Listener]]
"""How gradients go through time, and who is told how large they are."""


def run_epochs(
    setup: Setup,
    sources: tuple[Source, Source | None],
    options: FitOptions,
    hooks: CallbackList,
    stops: Stops,
    found: Checkpoint | None,
) -> None:
    """Train for the epochs of the options, or those left after a checkpoint, with a validation after those wanted."""
    validation = sources[1]
    with WholeSteps() as gate, stops.fit() as stop, hooks.of_fit(gate.at_once):
        run = Run(setup, sources, hooks, stop)
        training = _Training(setup, run, gate, FiniteWatch(), (options.by, hooks.listeners))
        hooks.call("on_train_begin", {})
        found = hooks.checkpoint() or found
        epochs = run.resumed(found, options.epochs)
        for epoch in epochs:
            if options.verbose and epochs.stop > 1:
                tell(f"Epoch {epoch + 1}/{epochs.stop}")
            bar = ProgressBar(sources[0].steps, options.verbose) if options.verbose else None
            steps, logs = training.epoch(epoch, sources[0], bar)
            if validation is not None and options.validates(epoch):
                values = evaluated(setup, validation, Watchers(hooks, None), gate)
                logs |= {f"val_{name}": value for name, value in values.items()}
            logs = dict(sorted(logs.items()))
            hooks.call("on_epoch_end", epoch, logs)
            run.end_epoch(logs)
            hooks.keep(run.state)
            if bar is not None:
                bar.finish(steps, logs)
            gate.check()
            if stop.asked or steps == 0:
                break
        if epochs or found is not None:
            optimizer, variables = setup.optimizer(), setup.objective().variables
            optimizer.finalize_variable_values(variables)
        hooks.call("on_train_end", run.logs)


class _Training(NamedTuple):
    """What the epochs of a training have in common."""

    setup: Setup
    run: Run
    gate: WholeSteps
    watch: FiniteWatch
    way: Way

    def epoch(self, number: int, source: Source, bar: ProgressBar | None) -> tuple[int, Logs]:
        """Go through the batches of an epoch; return how many there were, and the logs."""
        run, hooks, stop = self.run, self.run.hooks, self.run.stop
        is_over = run.begin(number)
        begin, end = hooks.hook("on_train_batch_begin"), hooks.hook("on_train_batch_end")
        objective, optimizer = self.setup.objective(), self.setup.optimizer()
        steps, meters, watchers, keeps = run.step, run.meters, Watchers(hooks, bar), hooks.keeps_batches
        # With checkpoints between batches nothing is made ahead: what is random goes on from where they were made.
        batches = closing(source.epoch(steps, not keeps, self.gate.at_once))
        with np.errstate(all="ignore"), batches as left:
            for batch in () if is_over else left:
                meters = self.setup.meters() if meters is None else meters
                for method in begin:
                    method(steps, {})
                outcome = train_step(objective, optimizer, batch, self.gate, self.way)
                meters.update(outcome, batch[1], batch[2])
                steps += 1
                if not math.isfinite(outcome.loss):
                    self.watch.found(outcome.loss, number, steps)
                watchers.after(end, steps, meters)
                if keeps:
                    run.step, run.meters = steps, meters
                    hooks.keep(run.state)
                self.gate.check()
                if stop.asked:
                    break
        return steps, {} if meters is None else meters.finish()


def train_step(
    objective: Objective, optimizer: Optimizer, batch: Batch, gate: WholeSteps, way: Way = (WHOLE, ())
) -> Outcome:
    """Change the weights by one step."""
    gate.changes_nothing = True
    with training_step(*way) as step:
        outcome, gradients = objective.gradients(*batch)
    gate.changes_nothing = False
    if gradients:
        optimizer.apply(gradients, objective.variables)
    step.make_changes()
    return outcome


class FiniteWatch:
    """Warns once a training when the loss is not finite."""

    def __init__(self) -> None:
        self._warned = False

    def found(self, loss: float, epoch: int, batch: int) -> None:
        """Warn about this loss, unless that has been done."""
        if not self._warned and speaks():
            self._warned = True
            message = (
                f"the loss is {loss} at epoch {epoch + 1}, batch {batch}; look for NaN in the data, lower the "
                "learning rate or set clipnorm, or stop with callbacks.TerminateOnNaN()"
            )
            warnings.warn(message, RuntimeWarning, stacklevel=user_stacklevel())
