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
