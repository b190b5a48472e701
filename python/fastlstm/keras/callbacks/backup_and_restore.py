"""Going on with a training that was interrupted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastlstm import checks

from ..foundation.carried import State
from .arguments import path_with_a_name
from .base import Logs
from .frequency import Periodic

_LATEST, _BEFORE = "latest.fastlstm", "before.fastlstm"


class BackupAndRestore(Periodic):
    """Keep the state of a training in a file, from which the next `fit` goes on if this one does not come to its end.

    The file has everything that the rest of the training depends on: weights, optimizer, epoch and batch, random
    numbers, callbacks, states of layers and data, history. It is whole at any moment, whatever happens to the process,
    and the training ends with the bits of one that was never interrupted. See `Model.fit` for what data must do.

    Parameters
    ----------
    backup_dir : path
        Folder for the file, which nothing else should use. It is made.
    save_freq : str or int
        ``"epoch"``, or a number of batches. False: nothing is kept, and what is there is gone on from.
    double_checkpoint : bool
        Whether the state before the latest one is kept too, and gone on from if the latest cannot be read.
    delete_checkpoint : bool
        Whether the file goes when a training has come to its end.

    Raises
    ------
    ValueError
        If `save_freq` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import tempfile
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> backup = keras.callbacks.BackupAndRestore(tempfile.mkdtemp())
    >>> history = model.fit(x, y, epochs=2, callbacks=[backup], verbose=0)
    >>> len(history.epoch)
    2
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        self.backup_dir = path_with_a_name("backup_dir", backup_dir)
        self._keeps = save_freq is not False
        self.set_frequency(save_freq if self._keeps else "epoch")
        self.double_checkpoint = checks.truth("double_checkpoint", double_checkpoint)
        self.delete_checkpoint = checks.truth("delete_checkpoint", delete_checkpoint)
        self.found: Any = None
        """The checkpoint that `fit` goes on from."""

    def _path(self, name: str) -> Path:
        return Path(self.backup_dir, name)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Read the file, if there is one; `fit` goes on from it."""
        self.found, first = None, None
        for name in (_LATEST, _BEFORE):
            if not self._path(name).exists():
                continue
            try:
                self.found = self.model.read_checkpoint(self._path(name))
                return
            except (ValueError, TypeError, OSError) as error:
                first = first or error
        if first is not None:
            raise first

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the state, if it is time for it."""
        if self.saves_by_epoch and self._keeps:
            self.save_after(None, logs or {})

    def save_after(self, batch: int | None, logs: Logs) -> None:
        """Keep the state, when all callbacks have been told."""
        self.keep_by(self._write)

    def _write(self, training: State) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        latest = self._path(_LATEST)
        if self.double_checkpoint and latest.exists():
            os.replace(latest, self._path(_BEFORE))
        self.model.write_checkpoint(latest, training)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Remove the file; the folder too, if it is empty then."""
        if not self.delete_checkpoint or not os.path.isdir(self.backup_dir):
            return
        for name in (_LATEST, _BEFORE):
            self._path(name).unlink(missing_ok=True)
        if not os.listdir(self.backup_dir):
            os.rmdir(self.backup_dir)
