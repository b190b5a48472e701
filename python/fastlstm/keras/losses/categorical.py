"""Cross-entropy of one-hot labels."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.core import softmax_cross_entropy
from .base import Loss
from .probabilities import check_last_axis, clip, inside, normalize, smoothed


class CategoricalCrossentropy(Loss):
    """``-sum(y_true * log(y_pred))`` over the last axis, for one-hot labels or other probabilities.

    Parameters
    ----------
    from_logits : bool
        The model's output is to go through a softmax first. When the model ends with a softmax, the loss works from
        the softmax's input by itself, which is more exact.
    label_smoothing : float
        Between 0 and 1: the part of the labels that is spread evenly over all classes.
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
    >>> loss = losses.CategoricalCrossentropy()
    >>> round(float(loss([[0.0, 1.0, 0.0]], [[0.2, 0.7, 0.1]])), 4)
    0.3567
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        check_last_axis(axis)
        self.from_logits = checks.truth("from_logits", from_logits)
        self.label_smoothing = checks.fraction("label_smoothing", label_smoothing)
        self.fused_activation = "linear" if from_logits else "softmax"

    def _labels(self, y_true: Array) -> Array:
        return smoothed(y_true, self.label_smoothing, y_true.shape[-1])

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[0]
        result: Array = -np.add.reduce(self._labels(y_true) * np.log(clip(normalize(y_pred))), axis=-1)
        return result

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`, 0 where it is clipped."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[2]
        probabilities = normalize(y_pred)
        slope = -self._labels(y_true) / clip(probabilities) * inside(probabilities)
        along = np.add.reduce(slope * probabilities, axis=-1, keepdims=True)
        result: Array = (slope - along) / np.add.reduce(y_pred, axis=-1, keepdims=True)
        return result

    def fused(self, y_true: Array, logits: Array) -> tuple[Array, Array, Array]:
        """With ``p = softmax(logits)``, the gradient is ``p * sum(y) - y``."""
        losses, p, gradient = softmax_cross_entropy(logits, self._labels(y_true))
        return losses, logits if self.from_logits else p, gradient

    def _cure(self, labels: Array, output_shape: tuple[int | None, ...]) -> str:
        if labels.ndim == len(output_shape) - 1 or labels.shape[-1:] == (1,):
            return "; for class numbers use 'sparse_categorical_crossentropy' or to_categorical(y)"
        return ""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "axis": -1}
        return super().get_config() | own
