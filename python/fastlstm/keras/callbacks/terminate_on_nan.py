"""Stopping when the loss is no number any more."""

import math

from fastlstm import checks

from ..foundation.messages import tell
from .base import Callback, Logs


class TerminateOnNaN(Callback):
    """Stop the training when the loss is not finite.

    Parameters
    ----------
    raise_error : bool
        Raise a RuntimeError instead.

    Raises
    ------
    TypeError
        If `raise_error` has another type.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> guard = keras.callbacks.TerminateOnNaN()
    >>> guard.set_model(model)
    >>> guard.on_train_batch_end(0, {"loss": float("nan")})
    Batch 0: Invalid loss, terminating training
    >>> model.stop_training
    True
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = checks.truth("raise_error", raise_error)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"batch {batch}: the loss is {loss}, training stopped")
        tell(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
