"""What callbacks share that save after epochs or so many batches."""

from __future__ import annotations

from typing import Any

from fastlstm import checks

from .base import Callback, Logs


class Periodic(Callback):
    """Calls `save` when it is time for it.

    Parameters
    ----------
    save_freq
        ``"epoch"``, or a number of batches, which are counted on over the epochs.
    """

    def set_frequency(self, save_freq: Any) -> None:
        """Take the argument `save_freq`."""
        by_epoch = isinstance(save_freq, str) and save_freq == "epoch"
        self.save_freq = save_freq if by_epoch else checks.whole_number("save_freq", save_freq, at_least=1)
        self._batches = 0

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
