"""Setting the learning rate epoch by epoch."""

import inspect
from collections.abc import Callable
from typing import Any

from fastlstm import checks

from ..foundation.messages import tell
from .arguments import verbosity
from .base import Callback, Logs


class LearningRateScheduler(Callback):
    """Set the learning rate before every epoch.

    Parameters
    ----------
    schedule : callable
        Function of the epoch (from 0) and the present rate; gives the new rate.
    verbose : int
        1: say so.

    Raises
    ------
    ValueError
        If `verbose` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> history = model.fit(x, y, epochs=2, callbacks=[halve], verbose=0)
    >>> float(model.optimizer.learning_rate)
    0.0025
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = checks.function("schedule", schedule, "a function of the epoch and the rate")
        self.verbose = verbosity(verbose)
        # Older programs give a function of the epoch only.
        self._arguments = min(2, len(_signature("schedule", schedule).parameters))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        optimizer = self.model.optimizer
        rate = self.schedule(*(epoch, optimizer.learning_rate)[: self._arguments])
        rate = checks.real_number(f"schedule: the rate of epoch {epoch}", rate, at_least=0)
        optimizer.learning_rate = rate
        if self.verbose > 0:
            tell(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Record the rate."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _signature(name: str, function: Any) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except ValueError:  # as of int
        checks.refuse(TypeError, name, "a function that shows its arguments", function)
