"""History: the logs of every epoch."""

from typing import Any

from fastlstm import checks

from ..foundation.carried import State
from .base import Callback, Logs


class History(Callback):
    """Records the logs of every epoch; `fit` gives it back.

    Attributes
    ----------
    history
        Name to list of floats, one an epoch.
    epoch
        Numbers of the epochs, from 0.
    """

    kept = ("history", "epoch")

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start the list of epochs."""
        self.epoch = []

    def set_state(self, state: State) -> None:
        """See `Callback.set_state`."""
        super().set_state(state)
        if not isinstance(self.history, dict) or not all(isinstance(values, list) for values in self.history.values()):
            checks.refuse(ValueError, "history", "lists of numbers by name", self.history)
        if self.epoch:
            self.model.history = self

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self
