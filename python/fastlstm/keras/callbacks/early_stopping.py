"""Stopping when a value has not improved."""

from fastlstm import checks

from ..foundation.messages import tell
from .arguments import epochs, verbosity
from .base import Logs
from .monitor import Monitor


class EarlyStopping(Monitor):
    """Stop when a value has not improved for some epochs.

    Parameters
    ----------
    monitor : str
        Name in the logs.
    min_delta : float
        Smaller changes are no improvement.
    patience : int
        Epochs without improvement to wait for.
    verbose : int
        1: say so.
    mode : str
        ``"min"``, ``"max"``, or ``"auto"``: by the metric.
    baseline : float, optional
        Value to be better than from the start.
    restore_best_weights : bool
        Put back the weights of the best epoch at the end, whether the training was stopped or not.
    start_from_epoch : int
        Epochs before it are not looked at.

    Raises
    ------
    ValueError
        If a number is out of range, or `mode` is unknown.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> stop = keras.callbacks.EarlyStopping("loss", min_delta=10.0, patience=2)
    >>> history = model.fit(x, y, epochs=20, callbacks=[stop], verbose=0)
    >>> len(history.epoch)
    3
    """

    kept = ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose = epochs("patience", patience), verbosity(verbose)
        self.baseline = None if baseline is None else checks.real_number("baseline", baseline, infinite=True)
        self.restore_best_weights = checks.truth("restore_best_weights", restore_best_weights)
        self.start_from_epoch = epochs("start_from_epoch", start_from_epoch)
        self._reset()

    def _reset(self) -> None:
        self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
        self.best, self.best_weights = None, None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start afresh."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare."""
        current = self.monitored(logs or {})
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        better = self.improved(current, self.best)
        if self.restore_best_weights and (better or self.best_weights is None):
            self.best_weights = self.model.get_weights()
        if better:
            self.best, self.best_epoch = current, epoch
            if self.baseline is None or self.improved(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Put the best weights back."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            tell(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose > 0:
                tell(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
