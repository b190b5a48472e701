"""Saving during training."""

import os
import warnings
from functools import partial

import numpy as np

from fastlstm import checks
from fastlstm.files.hdf5 import ENDINGS
from fastlstm.frames import user_stacklevel

from ..foundation.carried import State
from ..foundation.messages import tell
from .arguments import path_with_a_name, verbosity
from .base import Logs
from .frequency import Periodic
from .monitor import Monitor


class ModelCheckpoint(Periodic, Monitor):
    """Save the model, or its weights, after epochs or batches.

    A file that ends in anything but ``.keras``, ``.h5`` and ``.hdf5`` has the state of the training, too:
    ``fit(..., resume_from=path)`` goes on from it. It is written when all callbacks have been told of the epoch or
    batch.

    Parameters
    ----------
    filepath : path
        Where to; ``{epoch}``, ``{batch}`` and names of the logs in it are filled in, with formats as in
        ``"model-{epoch:02d}-{val_loss:.3f}.keras"``. Epochs and batches begin with 1. Folders are made.
    monitor : str
        Name in the logs.
    verbose : int
        1: say so.
    save_best_only : bool
        Whether a model that is not better than the best one so far is left alone.
    save_weights_only : bool
        Whether `save_weights` is called in place of `save`.
    mode : str
        ``"min"``, ``"max"``, or ``"auto"``: by the metric.
    save_freq : str or int
        ``"epoch"``, or a number of batches.
    initial_value_threshold : float, optional
        Value to be better than from the start.

    Raises
    ------
    ValueError
        If `verbose`, `save_freq` or `initial_value_threshold` is out of range, or `mode` is unknown.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> folder = tempfile.mkdtemp()
    >>> path = os.path.join(folder, "{epoch}.fastlstm")
    >>> history = model.fit(x, y, epochs=2, callbacks=[keras.callbacks.ModelCheckpoint(path)], verbose=0)
    >>> sorted(os.listdir(folder))
    ['1.fastlstm', '2.fastlstm']
    """

    kept = (*Periodic.kept, "best")

    period = 1
    """Number of epochs from one to the next."""

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        Monitor.__init__(self, monitor, mode, 0)
        self.filepath = path_with_a_name("filepath", filepath)
        self.verbose = verbosity(verbose)
        self.save_best_only = checks.truth("save_best_only", save_best_only)
        self.save_weights_only = checks.truth("save_weights_only", save_weights_only)
        self.set_frequency(save_freq)
        if initial_value_threshold is not None:
            self.best = checks.real_number("initial_value_threshold", initial_value_threshold, infinite=True)
        self._check_ending()

    def _check_ending(self) -> None:
        if self.save_weights_only and not self.filepath.endswith(ENDINGS):
            must = f"end in {', '.join(ENDINGS)} with save_weights_only"
            checks.complain(ValueError, "ModelCheckpoint: filepath", must, repr(self.filepath))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save if it is time for it."""
        if self.saves_by_epoch and (epoch + 1) % self.period == 0:
            self.save_after(None, logs or {})

    def save_after(self, batch: int | None, logs: Logs) -> None:
        """Save, if the model is wanted."""
        path = self._path(logs if batch is None else {"batch": batch + 1} | logs)
        if not self._is_wanted(logs, path):
            return
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        elif self.in_fit and not path.endswith((".keras", *ENDINGS)):
            self.keep_by(partial(self._write, path))
            return
        else:
            self.model.save(path, overwrite=True)
        self._say(f"finished saving model to {path}")

    def _write(self, path: str, training: State) -> None:
        self.model.write_checkpoint(path, training, whole=True)
        self._say(f"finished saving model to {path}")

    def _path(self, logs: Logs) -> str:
        known = {"epoch": self._epoch + 1} | logs
        try:
            return self.filepath.format(**known)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            must = f"name nothing but {', '.join(known)}, with formats that numbers have"
            got = f"{self.filepath!r} ({type(error).__name__}: {error})"
            checks.complain(ValueError, "ModelCheckpoint: filepath", must, got, cause=error)

    def _is_wanted(self, logs: Logs, path: str) -> bool:
        if not self.save_best_only:
            self._say(f"saving model to {path}")
            return True
        current = self.monitored(logs)
        if current is None or np.ndim(current):
            if current is not None:
                message = f"ModelCheckpoint: {self.monitor!r} must be a number to be the best, got {current}"
                warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
            return True
        before = "None" if self.best is None else f"{self.best:.5f}"
        if not self.improved(current, self.best):
            self._say(f"{self.monitor} did not improve from {before}")
            return False
        self._say(f"{self.monitor} improved from {before} to {current:.5f}, saving model to {path}")
        self.best = current
        return True

    def _say(self, text: str) -> None:
        if self.verbose > 0:
            tell(f"\nEpoch {self._epoch + 1}: {text}")
