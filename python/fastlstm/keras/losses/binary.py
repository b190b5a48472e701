"""Cross-entropy of yes-no labels."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..activations import stable_sigmoid
from ..foundation.arrays import Array
from .base import Loss
from .entries import mean_last
from .probabilities import check_last_axis, clip, inside, smoothed


class BinaryCrossentropy(Loss):
    """Mean over the last axis of ``-(y * log(p) + (1 - y) * log(1 - p))``, for yes-no labels.

    Parameters
    ----------
    from_logits : bool
        The model's output is to go through a sigmoid first. When the model ends with a sigmoid, the loss works from
        the sigmoid's input by itself, which is more exact.
    label_smoothing : float
        Between 0 and 1: how far the labels are moved towards one half.
    axis : int
        -1 only.
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `label_smoothing` is out of range, `reduction` is unknown, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> loss = losses.BinaryCrossentropy()
    >>> round(float(loss([[1.0, 0.0]], [[0.8, 0.4]])), 4)
    0.367
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        check_last_axis(axis)
        self.from_logits = checks.truth("from_logits", from_logits)
        self.label_smoothing = checks.fraction("label_smoothing", label_smoothing)
        self.fused_activation = "linear" if from_logits else "sigmoid"

    def _labels(self, y_true: Array) -> Array:
        return smoothed(y_true, self.label_smoothing, 2)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[0]
        y, p = self._labels(y_true), clip(y_pred)
        return -mean_last(y * np.log(p) + (1 - y) * np.log(1 - p))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`, 0 where it is clipped."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[2]
        y, p = self._labels(y_true), clip(y_pred)
        result: Array = (p - y) / (p * (1 - p) * p.shape[-1]) * inside(y_pred)
        return result

    def fused(self, y_true: Array, logits: Array) -> tuple[Array, Array, Array]:
        """With ``p = sigmoid(logits)``, the gradient is ``p - y``."""
        y, p = self._labels(y_true), stable_sigmoid(logits)
        entries = np.maximum(logits, 0) - logits * y + np.log1p(np.exp(-np.abs(logits)))
        return mean_last(entries), logits if self.from_logits else p, (p - y) / logits.shape[-1]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "axis": -1}
        return super().get_config() | own
