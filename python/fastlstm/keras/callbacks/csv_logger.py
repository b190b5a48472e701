"""The logs of every epoch in a CSV file."""

import csv
import os
from typing import IO

from fastlstm import checks

from ..foundation.carried import State, check_keys
from .base import Callback, Logs


class CSVLogger(Callback):
    """Write the logs of every epoch to a CSV file.

    Parameters
    ----------
    filename : path
        Path of the file.
    separator : str
        Between the values.
    append : bool
        Go on with the file if it exists.

    Raises
    ------
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
    >>> history = model.fit(x, y, epochs=2, callbacks=[keras.callbacks.CSVLogger(path)], verbose=0)
    >>> path.read_text().splitlines()[0]
    'epoch,loss,val_loss'
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if len(checks.text("separator", separator)) != 1:
            checks.refuse(ValueError, "separator", "one character", separator)
        self.filename, self.separator = checks.path("filename", filename), separator
        self.append = checks.truth("append", append)
        self._file: IO[str] | None = None
        self._begins = False
        """Whether what is in the file goes before the first row; until then a checkpoint may go on with it."""
        self._writer: csv.DictWriter[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        self._close()
        self._file = open(self.filename, "a", newline="")  # noqa: SIM115
        self._begins = not self.append
        self._writer = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a row."""
        logs = logs or {}
        if self._file is None:
            return
        self._clear(self._file)
        if self._writer is None:
            self._writer = self._start(self._file, sorted(logs))
        row = dict.fromkeys(self._writer.fieldnames, "NA") | logs | {"epoch": epoch}
        self._writer.writerow({name: row[name] for name in self._writer.fieldnames})
        self._file.flush()

    def get_state(self) -> State:
        """See `Callback.get_state`: the columns, and how long the file is."""
        names = None if self._writer is None else list(self._writer.fieldnames)
        return {"names": names, "size": 0 if self._begins else os.path.getsize(self.filename)}

    def set_state(self, state: State) -> None:
        """See `Callback.set_state`; rows that were written after the checkpoint go."""
        check_keys(type(self).__name__, state, ("names", "size"))
        if self._file is None:
            return
        size = os.path.getsize(self.filename)
        if size < state["size"]:
            must = f"be that of a file of at least {state['size']} bytes, as when the checkpoint was made"
            checks.complain(ValueError, "CSVLogger: filename", must, f"{self.filename!r} of {size}")
        self._file.truncate(state["size"])
        self._begins, self._writer = False, None
        if state["names"] is not None:
            self._writer = csv.DictWriter(self._file, state["names"], delimiter=self.separator)

    def _clear(self, file: IO[str]) -> None:
        """Remove what is in the file, if that has not been done and is wanted."""
        if self._begins:
            file.truncate(0)
        self._begins = False

    def _start(self, file: IO[str], names: list[str]) -> "csv.DictWriter[str]":
        if not any(name.startswith("val_") for name in names):
            names = names + [f"val_{name}" for name in names]
        writer = csv.DictWriter(file, ["epoch", *names], delimiter=self.separator)
        if os.path.getsize(self.filename) == 0:
            writer.writeheader()
        return writer

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._clear(self._file)
            self._file.close()
            self._file = None
