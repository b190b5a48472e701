"""What callbacks share that save after epochs or so many batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from fastlstm import checks

from ..foundation.carried import State
from .base import Callback, Logs


class Periodic(Callback):
    """Calls `save_after` when it is time for it.

    Parameters
    ----------
    save_freq : str or int
        ``"epoch"``, or a number of batches, which are counted on over the epochs.
    """

    kept: ClassVar[tuple[str, ...]] = ("_batches", "_epoch")

    in_fit = False
    """Whether a `fit` is under way that calls `keep` after all callbacks have been told of a batch or an epoch."""

    def set_frequency(self, save_freq: Any) -> None:
        """Take the argument `save_freq`."""
        by_epoch = isinstance(save_freq, str) and save_freq == "epoch"
        self.save_freq = save_freq if by_epoch else checks.whole_number("save_freq", save_freq, at_least=1)
        self._batches, self._epoch = 0, 0
        self._wanted: Callable[[State], None] | None = None

    def keep_by(self, write: Callable[[State], None]) -> None:
        """Let `write` make a checkpoint of the state of the training, when all callbacks have been told."""
        self._wanted = write

    def keep(self, state: Callable[[], State]) -> None:
        """Make the checkpoint, if one is wanted; `state` gives that of the training."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            wanted(state())

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember which epoch it is."""
        self._epoch = epoch

    def save_after(self, batch: int | None, logs: Logs) -> None:
        """Save; `batch` is the number of the last batch, from 0, None after an epoch."""
        raise NotImplementedError(f"{type(self).__name__} must define save_after(batch, logs)")

    @property
    def saves_by_epoch(self) -> bool:
        """Whether nothing is saved between batches."""
        return not isinstance(self.save_freq, int)

    def skips_hook(self, hook: str) -> bool:
        """See `Callback.skips_hook`: between batches there is nothing to do for what saves after epochs."""
        own = type(self).on_train_batch_end is not Periodic.on_train_batch_end
        own = own or type(self).on_batch_end is not Callback.on_batch_end
        return hook == "on_train_batch_end" and self.saves_by_epoch and not own

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if it is time for it."""
        super().on_train_batch_end(batch, logs)
        if self.saves_by_epoch:
            return
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            self.save_after(batch, logs or {})
