"""Lowering the learning rate when a value has not improved."""

from fastlstm import checks

from ..foundation.messages import tell
from .arguments import epochs, verbosity
from .base import Logs
from .monitor import Monitor


class ReduceLROnPlateau(Monitor):
    """Lower the learning rate when a value has not improved for some epochs.

    Parameters
    ----------
    monitor : str
        Name in the logs.
    factor : float
        The rate is multiplied by it; below 1.
    patience : int
        Epochs without improvement to wait for.
    verbose : int
        1: say so.
    mode : str
        ``"min"``, ``"max"``, or ``"auto"``: by the metric.
    min_delta : float
        Smaller changes are no improvement.
    cooldown : int
        Epochs to wait after a change before counting again.
    min_lr : float
        Lowest rate.

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
    >>> reduce = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0)
    >>> history = model.fit(x, y, epochs=3, callbacks=[reduce], verbose=0)
    >>> float(model.optimizer.learning_rate)
    0.0025
    """

    kept = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = checks.real_number("factor", factor, at_least=0, below=1)
        self.patience, self.verbose = epochs("patience", patience), verbosity(verbose)
        self.cooldown, self.min_lr = epochs("cooldown", cooldown), checks.real_number("min_lr", min_lr, at_least=0)
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start afresh."""
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        current = self.monitored(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improved(current, self.best):
            self.best, self.wait = current, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        if optimizer.learning_rate <= self.min_lr:
            return
        optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose > 0:
            rate = optimizer.learning_rate
            tell(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")
