"""Callbacks: what runs between the batches and epochs of a training."""

import csv
import inspect
import math
import os
import warnings
from collections.abc import Callable, Iterable
from typing import IO, Any, TypeAlias

import numpy as np

from fastlstm import checks

from .foundation.arrays import user_stacklevel

Logs: TypeAlias = dict[str, Any]


class Callback:
    """Base class. Each method is called at the moment its name says; `model` and `params` are set before."""

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Take the model, before all else."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the settings, before all else: ``verbose``, ``epochs`` and ``steps``."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation; what is put into `logs` is recorded too."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """As `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """As `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `fit`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `fit`, with the means of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before `evaluate` or a validation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After `evaluate` or a validation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `evaluate` or a validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `evaluate` or a validation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `predict`, with its ``outputs``."""


class CallbackList:
    """Calls each hook of a list of callbacks that has been overridden.

    Parameters
    ----------
    callbacks
        One callback, several, or another list of this kind.
    model
        Given to the callbacks.
    add_history
        Whether a `History` is appended if there is none.
    **params
        Given to the callbacks.
    """

    def __init__(self, callbacks: Any = None, model: Any = None, add_history: bool = False, **params: Any) -> None:
        self.callbacks: list[Any] = checked_callbacks(callbacks)
        wants_history = checks.truth("add_history", add_history)
        if wants_history and not any(isinstance(callback, History) for callback in self.callbacks):
            self.callbacks.append(History())
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)

    @property
    def history(self) -> "History":
        """The last `History` of the list."""
        found: History = next(callback for callback in reversed(self.callbacks) if isinstance(callback, History))
        return found

    def hook(self, name: str) -> list[Callable[..., None]]:
        """Return the overridden methods `name`."""
        return [getattr(callback, name) for callback in self.callbacks if _overrides(callback, name)]

    def call(self, name: str, *args: Any) -> None:
        """Call `name` of all callbacks that override it."""
        for method in self.hook(name):
            method(*args)


def checked_callbacks(given: Any) -> list[Any]:
    """Return the callbacks of one, several, or a `CallbackList`; nothing is told to them."""
    if given is None:
        return []
    if isinstance(given, CallbackList):
        return given.callbacks
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | dict | type)
    callbacks = [callback for callback in (given if several else [given]) if callback is not None]
    for callback in callbacks:
        if isinstance(callback, type):
            checks.refuse(TypeError, "callbacks", f"instances such as {callback.__name__}(...)", callback)
        if not hasattr(callback, "on_epoch_end"):
            checks.refuse(TypeError, "callbacks", "keras.callbacks.Callback instances", callback)
    return callbacks


def _overrides(callback: Any, name: str) -> bool:
    if name in ("on_train_batch_begin", "on_train_batch_end") and _overrides(callback, name.replace("train_", "")):
        return True
    method = getattr(callback, name, None)
    return method is not None and getattr(method, "__func__", method) is not getattr(Callback, name)


class History(Callback):
    """Records the logs of every epoch; `fit` gives it back.

    Attributes
    ----------
    history
        Name to list of floats, one an epoch.
    epoch
        Numbers of the epochs, from 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start the list of epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self


class LambdaCallback(Callback):
    """A callback out of functions: ``LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch))``.

    Parameters
    ----------
    **hooks
        Functions by the names of the methods of `Callback`, with their arguments.
    """

    def __init__(self, **hooks: Callable[..., Any] | None) -> None:
        super().__init__()
        for name, function in hooks.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise ValueError(f"LambdaCallback: unknown hook {name!r}")
            if function is not None:
                setattr(self, name, checks.function(name, function))


class TerminateOnNaN(Callback):
    """Stop the training when the loss is not finite.

    Parameters
    ----------
    raise_error
        Raise a RuntimeError instead.
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
        print(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True


class _Monitor(Callback):
    """Watches one value of the logs."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        super().__init__()
        self.monitor = checks.text("monitor", monitor)
        self.mode = checks.one_of("mode", mode, ("auto", "min", "max"))
        self.min_delta = abs(checks.real_number("min_delta", min_delta))
        self.best: float | None = None
        self.wait = 0

    def improved(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than `best` by more than `min_delta`; NaN never is."""
        if math.isnan(value):
            return False
        if best is None:
            return True
        return value - self.min_delta > best if self._upwards() else value + self.min_delta < best

    def _upwards(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        for metric in self.model.metrics:
            if metric.name == name.removeprefix("weighted_"):
                return bool(metric.direction == "up")
        if name == "loss":
            return False
        raise ValueError(f"{type(self).__name__}: give mode='min' or mode='max' for monitor={self.monitor!r}")

    def monitored(self, logs: Logs) -> float | None:
        """Return the value, or None and a warning."""
        value = logs.get(self.monitor)
        if value is None:
            available = ", ".join(logs)
            message = f"{type(self).__name__}: {self.monitor!r} is not among the logs; available: {available}"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
        return value


def _signature(name: str, function: Any) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except ValueError:  # as of int
        checks.refuse(TypeError, name, "a function that shows its arguments", function)


def _epochs(name: str, value: Any) -> int:
    return checks.whole_number(name, value, at_least=0)


def _verbosity(value: Any) -> int:
    """0, 1 or 2; many programs give a boolean."""
    return int(value) if isinstance(value, bool) else checks.whole_number("verbose", value, at_least=0, at_most=2)


class EarlyStopping(_Monitor):
    """Stop when a value has not improved for some epochs.

    Parameters
    ----------
    monitor
        Name in the logs.
    min_delta
        Smaller changes are no improvement.
    patience
        Epochs without improvement to wait for.
    verbose
        1: say so.
    mode
        ``"min"``, ``"max"``, or ``"auto"``: by the metric.
    baseline
        Value to be better than from the start.
    restore_best_weights
        Put back the weights of the best epoch at the end, whether the training was stopped or not.
    start_from_epoch
        Epochs before it are not looked at.
    """

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
        self.patience, self.verbose = _epochs("patience", patience), _verbosity(verbose)
        self.baseline = None if baseline is None else checks.real_number("baseline", baseline, infinite=True)
        self.restore_best_weights = checks.truth("restore_best_weights", restore_best_weights)
        self.start_from_epoch = _epochs("start_from_epoch", start_from_epoch)
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
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose > 0:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(_Monitor):
    """Lower the learning rate when a value has not improved for some epochs.

    Parameters
    ----------
    monitor
        Name in the logs.
    factor
        The rate is multiplied by it; below 1.
    patience
        Epochs without improvement to wait for.
    verbose
        1: say so.
    mode
        ``"min"``, ``"max"``, or ``"auto"``: by the metric.
    min_delta
        Smaller changes are no improvement.
    cooldown
        Epochs to wait after a change before counting again.
    min_lr
        Lowest rate.
    """

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
        self.patience, self.verbose = _epochs("patience", patience), _verbosity(verbose)
        self.cooldown, self.min_lr = _epochs("cooldown", cooldown), checks.real_number("min_lr", min_lr, at_least=0)
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start afresh."""
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = self.model.optimizer.learning_rate
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
            print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")


class LearningRateScheduler(Callback):
    """Set the learning rate before every epoch.

    Parameters
    ----------
    schedule
        Function of the epoch (from 0) and the present rate; gives the new rate.
    verbose
        1: say so.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = checks.function("schedule", schedule, "a function of the epoch and the rate")
        self.verbose = _verbosity(verbose)
        # Older programs give a function of the epoch only.
        self._arguments = min(2, len(_signature("schedule", schedule).parameters))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        optimizer = self.model.optimizer
        rate = self.schedule(*(epoch, optimizer.learning_rate)[: self._arguments])
        if not isinstance(rate, int | float | np.number):
            raise TypeError(f"schedule: gave {rate!r} for epoch {epoch}, wanted a number")
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(rate)}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Record the rate."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


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
        if not isinstance(filename, str | os.PathLike):
            checks.refuse(TypeError, "filename", "a path", filename)
        if len(checks.text("separator", separator)) != 1:
            checks.refuse(ValueError, "separator", "one character", separator)
        self.filename, self.separator = os.fspath(filename), separator
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
