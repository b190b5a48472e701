"""Losses, metrics and weights in files for TensorBoard."""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ..foundation.carried import State
from ..foundation.events import EventFile
from .arguments import epochs
from .base import Callback, Logs

_OF_BATCHES = ("on_train_batch_begin", "on_train_batch_end")


class TensorBoard(Callback):
    """Write losses, metrics, the learning rate and weights to event files, which ``tensorboard --logdir logs`` shows.

    The files are in the folders ``train`` and ``validation`` of `log_dir` and have what those of Keras have, by the
    same tags: ``epoch_loss`` and so on by epoch, ``epoch_learning_rate``, ``batch_loss`` and so on by batch, and
    ``evaluation_loss_vs_iterations`` and so on by step of the optimizer. What was written stays when a training is
    interrupted. A metric that gives an array is written as its mean.

    Parameters
    ----------
    log_dir : path
        The folder.
    histogram_freq : int
        After so many epochs each, write histograms of the weights; 0: never.
    write_graph : bool
        Write what the model is made of, for the conceptual graph. Only of `Sequential` and models with inputs and
        outputs; there is no other graph.
    write_images : bool
        Must be False: weights are not drawn.
    write_steps_per_second : bool
        Write how many steps are taken in a second.
    update_freq : str or int
        ``"epoch"``: nothing is written by batch; a number: after so many batches each, counted on over the epochs;
        ``"batch"``: 1.
    profile_batch : int
        Must be 0: there is no profile in these files.
    embeddings_freq : int
        Must be 0: embeddings are not written.
    embeddings_metadata : None
        Must be None.

    Raises
    ------
    ImportError
        When a run begins: neither tensorboard nor tensorboardX is installed (``pip install fastlstm[tensorboard]``).

    Examples
    --------
    >>> from fastlstm import keras
    >>> board = keras.callbacks.TensorBoard("logs/first", histogram_freq=1)
    >>> board.update_freq
    'epoch'
    """

    kept = ("_batches",)

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: None = None,
    ) -> None:
        super().__init__()
        _refuse("write_images", write_images, False, "histogram_freq=1 writes weights as histograms")
        _refuse("profile_batch", profile_batch, 0, "`python -m cProfile` says where a program spends its time")
        _refuse("embeddings_freq", embeddings_freq, 0, "get_weights() of the Embedding has the table")
        _refuse("embeddings_metadata", embeddings_metadata, None, "embeddings are not written")
        self.log_dir = checks.path("log_dir", log_dir)
        self.histogram_freq = epochs("histogram_freq", histogram_freq)
        self.write_graph = checks.truth("write_graph", write_graph)
        self.write_steps_per_second = checks.truth("write_steps_per_second", write_steps_per_second)
        self.update_freq = _frequency(update_freq)
        self._files: dict[str, EventFile] = {}
        self._in_fit, self._batches = False, 0
        self._since_epoch, self._since_batch = (0.0, 0), 0.0

    def set_model(self, model: Any) -> None:
        """Take the model, and close files of a run that was interrupted."""
        super().set_model(model)
        self._close()

    def skips_hook(self, hook: str) -> bool:
        """See `Callback.skips_hook`: by epoch, there is nothing to do between batches."""
        return type(self) is TensorBoard and self.update_freq == "epoch" and hook in _OF_BATCHES

    def set_state(self, state: State) -> None:
        """See `Callback.set_state`."""
        super().set_state(state)
        self._since_epoch = self._now()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start a file, with what the model is made of."""
        self._in_fit, self._batches = True, 0
        file = self._file("train")
        if self.write_graph and not self.model.composed:
            self._write_graph(file)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        self._close()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the time."""
        self._since_epoch = self._now()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write losses, metrics and learning rate, and histograms if it is time for them."""
        for name, value in (logs or {}).items():
            folder = "validation" if name.startswith("val_") else "train"
            self._file(folder).scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        file = self._file("train")
        file.scalar("epoch_learning_rate", float(self.model.optimizer.learning_rate), epoch)
        if self.write_steps_per_second:
            (then, before), (now, steps) = self._since_epoch, self._now()
            file.scalar("epoch_steps_per_second", (steps - before) / max(now - then, 1e-9), epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for weight in self.model.weights:
                file.histogram(f"{weight.path}/histogram", weight.numpy(), epoch)
        self._flush()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Note the time."""
        super().on_train_batch_begin(batch, logs)
        self._since_batch = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write losses and metrics, if it is time for it."""
        super().on_train_batch_end(batch, logs)
        self._batches += 1
        if not isinstance(self.update_freq, int) or self._batches % self.update_freq:
            return
        for name, value in (logs or {}).items():
            self._file("train").scalar(f"batch_{name}", value, self._batches)
        if self.write_steps_per_second:
            passed = max(time.perf_counter() - self._since_batch, 1e-9)
            self._file("train").scalar("batch_steps_per_second", 1 / passed, self._batches)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Write losses and metrics by step of the optimizer."""
        if self.model.optimizer is not None:
            for name, value in (logs or {}).items():
                tag = f"evaluation_{name}_vs_iterations"
                self._file("validation").scalar(tag, value, self._now()[1])
        self._flush() if self._in_fit else self._close()

    def _write_graph(self, file: EventFile) -> None:
        try:
            file.graph("keras", self.model.to_json())
        except (TypeError, ValueError, NotImplementedError) as error:
            message = f"TensorBoard: the model is not in the files, as it cannot be made JSON: {error}"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())

    def _now(self) -> tuple[float, int]:
        return time.perf_counter(), int(self.model.optimizer.iterations)

    def _file(self, folder: str) -> EventFile:
        if folder not in self._files:
            self._files[folder] = EventFile(os.path.join(self.log_dir, folder), "TensorBoard")
        return self._files[folder]

    def _flush(self) -> None:
        for file in self._files.values():
            file.flush()

    def _close(self) -> None:
        files, self._files = self._files, {}
        self._in_fit = False
        for file in files.values():
            file.close()


def _refuse(name: str, value: Any, only: Any, instead: str) -> None:
    """Refuse what is not written, unless it is not wanted."""
    if value is not only and not (isinstance(value, int) and value == only):
        checks.refuse(ValueError, f"TensorBoard: {name}", repr(only), value, f"; {instead}")


def _frequency(value: Any) -> str | int:
    if isinstance(value, str):
        return 1 if checks.one_of("update_freq", value, ("epoch", "batch")) == "batch" else "epoch"
    return checks.whole_number("update_freq", value, at_least=1)
