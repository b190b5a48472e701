"""Callback: what runs between the batches and epochs of a training."""

from typing import Any, ClassVar, TypeAlias

from ..foundation.carried import State, check_keys

Logs: TypeAlias = dict[str, Any]


class Callback:
    """Base class. Each method is called at the moment its name says; `model` and `params` are set before.

    A callback of your own that changes in training names the attributes that do so in `kept`, or defines `get_state`
    and `set_state`: checkpoints have what these give, so that a training that was interrupted goes on with it. If
    something else has changed when a checkpoint is made, a warning says so, once.

    Raises
    ------
    ValueError
        A checkpoint has other entries than `kept` names (`set_state`).

    Examples
    --------
    >>> from fastlstm.keras import callbacks
    >>> class Counting(callbacks.Callback):
    ...     kept = ("batches",)
    ...
    ...     def on_train_begin(self, logs=None):
    ...         self.batches = 0
    ...
    ...     def on_train_batch_end(self, batch, logs=None):
    ...         self.batches += 1
    """

    model: Any
    params: dict[str, Any]
    kept: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that checkpoints have: numbers, texts, arrays, and lists, tuples and dicts of these."""

    def __init__(self) -> None:
        self.model = None
        self.params = {}

    def set_model(self, model: Any) -> None:
        """Take the model, before all else."""
        self.model = model

    def skips_hook(self, hook: str) -> bool:
        """Whether there is nothing to do in a method: what it would be told need not be computed then."""
        return False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the settings, before all else: ``verbose``, ``epochs`` and ``steps``."""
        self.params = params

    def get_state(self) -> State:
        """Return what changes in training, for a checkpoint: by default the attributes named in `kept`."""
        return {name: getattr(self, name) for name in self.kept}

    def set_state(self, state: State) -> None:
        """Go on from what `get_state` gave; comes after `on_train_begin` and, within an epoch, `on_epoch_begin`."""
        check_keys(type(self).__name__, state, self.kept)
        for name in self.kept:
            setattr(self, name, state[name])

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
