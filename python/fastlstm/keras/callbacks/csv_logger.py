"""The logs of every epoch in a CSV file."""

import csv
import os
from typing import IO

from fastlstm import checks

from .base import Callback, Logs


class CSVLogger(Callback):
    """Write the logs of every epoch to a CSV file.

    Parameters
    ----------
    filename
        Path of the file.
    separator
        Between the values.
    append
        Go on with the file if it exists.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if len(checks.text("separator", separator)) != 1:
            checks.refuse(ValueError, "separator", "one character", separator)
        self.filename, self.separator = checks.path("filename", filename), separator
        self.append = checks.truth("append", append)
        self._file: IO[str] | None = None
        self._writer: csv.DictWriter[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        self._close()
        self._file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115
        self._writer = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a row."""
        logs = logs or {}
        if self._file is None:
            return
        if self._writer is None:
            self._writer = self._start(self._file, sorted(logs))
        row = dict.fromkeys(self._writer.fieldnames, "NA") | logs | {"epoch": epoch}
        self._writer.writerow({name: row[name] for name in self._writer.fieldnames})
        self._file.flush()

    def _start(self, file: IO[str], names: list[str]) -> "csv.DictWriter[str]":
        if not any(name.startswith("val_") for name in names):
            names = names + [f"val_{name}" for name in names]
        writer = csv.DictWriter(file, ["epoch", *names], delimiter=self.separator)
        if file.tell() == 0:
            writer.writeheader()
        return writer

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
