"""One `fit` under way: where it is, as a checkpoint has it, and how it goes on from there."""

from __future__ import annotations

from typing import Protocol

from fastlstm import checks

from ..callbacks import CallbackList
from ..foundation.carried import State, restore_numbers, state_of_numbers
from .meters import Logs, Meters
from .setup import Setup
from .stopping import Stop
from .streams import Source


class Checkpoint(Protocol):
    """What a file has of a training."""

    training: State
    """What `Run.state` gave."""
    owner: str
    """Name of the file."""

    def restore(self) -> None:
        """Put the rest into the model: weights, state of the optimizer and of the layers."""


class Run:
    """Where a training is.

    Parameters
    ----------
    setup : Setup
        What it works with.
    sources : tuple of tuple
        What gives the batches, of training and of validation.
    hooks : CallbackList
        Its callbacks.
    stop : Stop
        Whether it is to stop.
    """

    def __init__(self, setup: Setup, sources: tuple[Source, Source | None], hooks: CallbackList, stop: Stop) -> None:
        self.setup, self.hooks, self.stop = setup, hooks, stop
        self._source = sources[0]
        self._sources = {"x": sources[0], "validation_data": sources[1]}
        self.epoch, self.step = 0, 0
        """The epoch, and its batches that are done."""
        self.meters: Meters | None = None
        """Of the batches that are done of an epoch."""
        self.logs: Logs = {}
        """Of the last whole epoch."""
        self._found: Checkpoint | None = None

    def state(self) -> State:
        """Return all of this for a checkpoint."""
        done = {"x": self.step, "validation_data": 0}
        sources = {name: source.get_state(done[name]) for name, source in self._sources.items() if source is not None}
        return {
            "epoch": self.epoch,
            "step": self.step,
            "stopped": self.stop.asked,
            "logs": self.logs,
            "meters": None if self.meters is None or not self.step else self.meters.get_state(),
            "callbacks": self.hooks.states.get(),
            "data": sources,
            "random": state_of_numbers(),
        }

    def resumed(self, found: Checkpoint | None, epochs: range) -> range:
        """Return the epochs that are left after a checkpoint; the first may have begun before it was made."""
        self.hooks.states.begin()
        if found is None:
            return epochs
        self._found, state = found, found.training
        self.epoch, self.step = (
            checks.whole_number(f"{found.owner}: {name}", state[name], at_least=0) for name in ("epoch", "step")
        )
        over = state["stopped"] and not self.step
        left = range(self.epoch, self.epoch if over else max(epochs.stop, self.epoch))
        if not left or not self.step:
            self._go_on()
        return left

    def begin(self, epoch: int) -> bool:
        """Begin an epoch; return whether its batches are over, as the training was stopped in it."""
        self.epoch = epoch
        self.hooks.call("on_epoch_begin", epoch, {})
        if self._found is None:
            return False
        self._go_on()  # what callbacks have just done, they had done before the checkpoint was made
        return self.stop.asked

    def _go_on(self) -> None:
        """Put what a checkpoint has in its place, the random numbers last, as the data may draw."""
        assert self._found is not None
        found, self._found = self._found, None
        try:
            self._restore(found)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            if checks.is_worded(error):
                raise checks.named(error, found.owner) from error
            got = f"{type(error).__name__}: {error}"
            checks.complain(ValueError, found.owner, "have states that go where they came from", got, cause=error)

    def _restore(self, found: Checkpoint) -> None:
        state = found.training
        if state["meters"] is not None:
            if not self.setup.measures():
                self._source.check_first()
            self.meters = self.setup.meters()
            self.meters.set_state(state["meters"])
        self._restore_sources(state["data"])
        found.restore()
        self.hooks.states.set(state["callbacks"])
        self.logs, self.stop.asked = state["logs"], bool(state["stopped"])
        restore_numbers(state["random"])

    def _restore_sources(self, states: State) -> None:
        known = [(source, states[name]) for name, source in self._sources.items() if source and name in states]
        for source, state in known:
            source.set_state(state, self.step if source is self._source else 0)
        for source, state in known:
            source.settle(state)

    def end_epoch(self, logs: Logs) -> None:
        """Note that an epoch is whole, of which these are the `logs`; callbacks know."""
        self.logs, self.meters, self.step, self.epoch = logs, None, 0, self.epoch + 1
