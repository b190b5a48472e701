"""Losses that have nothing to choose but what all of them have."""

from __future__ import annotations

from typing import Any

from .base import Loss


class PlainLoss(Loss):
    """Base of losses without settings of their own.

    Parameters
    ----------
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`; in this order, as in Keras.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)
