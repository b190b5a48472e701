"""Saving during training."""

import os
import warnings
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import user_stacklevel
from ..foundation.messages import tell
from .arguments import verbosity
from .base import Logs
from .monitor import Monitor


class ModelCheckpoint(Monitor):
    """Save the model, or its weights, after epochs or batches.

    Parameters
    ----------
    filepath
        Where to; ``{epoch}``, ``{batch}`` and names of the logs in it are filled in, with formats as in
        ``"model-{epoch:02d}-{val_loss:.3f}.keras"``. Epochs and batches begin with 1. Folders are made.
    monitor
        Name in the logs.
    verbose
        1: say so.
    save_best_only
        Whether a model that is not better than the best one so far is left alone.
    save_weights_only
        Whether `save_weights` is called in place of `save`.
    mode
        ``"min"``, ``"max"``, or ``"auto"``: by the metric.
    save_freq
        ``"epoch"``, or a number of batches.
    initial_value_threshold
        Value to be better than from the start.
    """

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
        super().__init__(monitor, mode, 0)
        self.filepath = _checked_path(filepath)
        self.verbose = verbosity(verbose)
        self.save_best_only = checks.truth("save_best_only", save_best_only)
        self.save_weights_only = checks.truth("save_weights_only", save_weights_only)
        by_epoch = isinstance(save_freq, str) and save_freq == "epoch"
        self.save_freq = save_freq if by_epoch else checks.whole_number("save_freq", save_freq, at_least=1)
        if initial_value_threshold is not None:
            self.best = checks.real_number("initial_value_threshold", initial_value_threshold, infinite=True)
        self._epoch, self._batches = 0, 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember which epoch it is."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if it is time for it."""
        super().on_train_batch_end(batch, logs)
        if not isinstance(self.save_freq, int):
            return
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            self._save({"batch": batch + 1} | (logs or {}))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save if it is time for it."""
        if self.save_freq == "epoch" and (epoch + 1) % self.period == 0:
            self._save(logs or {})

    def _save(self, logs: Logs) -> None:
        path = self._path(logs)
        if not self._is_wanted(logs, path):
            return
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

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


def _checked_path(value: Any) -> str:
    """`value` as a path, which must be text."""
    if not isinstance(value, str | os.PathLike):
        checks.refuse(TypeError, "filepath", "a path", value)
    path = os.fspath(value)
    if not isinstance(path, str) or not path:
        checks.refuse(ValueError, "filepath", "a path with a name of a file", value)
    return path
