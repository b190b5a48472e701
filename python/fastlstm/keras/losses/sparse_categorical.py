"""Cross-entropy of class numbers."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.core import softmax_and_log
from .class_numbers import ClassNumberLoss, at
from .probabilities import check_last_axis, clip, inside


class SparseCategoricalCrossentropy(ClassNumberLoss):
    """``-log(y_pred[label])``, for labels that are class numbers.

    Parameters
    ----------
    from_logits : bool
        See `CategoricalCrossentropy`.
    ignore_class : int, optional
        None only.
    axis : int
        -1 only.
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> loss = losses.SparseCategoricalCrossentropy()
    >>> round(float(loss([1], [[0.2, 0.7, 0.1]])), 4)
    0.3567
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        check_last_axis(axis)
        if ignore_class is not None:
            checks.whole_number("ignore_class", ignore_class)
            raise NotImplementedError("ignore_class is not supported; give those entries a sample_weight of 0")
        self.from_logits = checks.truth("from_logits", from_logits)
        self.fused_activation = "linear" if from_logits else "softmax"

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[0]
        p = clip(y_pred)
        result: Array = np.log(np.add.reduce(p, axis=-1)) - np.log(at(p, y_true))
        return result

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`, 0 where it is clipped."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[2]
        p = clip(y_pred)
        slope: Array = np.broadcast_to(1 / np.add.reduce(p, axis=-1, keepdims=True), p.shape).copy()
        _subtract_at(slope, y_true, 1 / at(p, y_true))
        return slope * inside(y_pred)

    def fused(self, y_true: Array, logits: Array) -> tuple[Array, Array, Array]:
        """With ``p = softmax(logits)``, the gradient is p less one at the label."""
        p, log_p = softmax_and_log(logits)
        gradient = p.copy()
        _subtract_at(gradient, y_true, 1)
        return -at(log_p, y_true), logits if self.from_logits else p, gradient

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"from_logits": self.from_logits, "ignore_class": None}


def _subtract_at(values: Array, index: Array, amount: Any) -> None:
    rows = values.reshape(-1, values.shape[-1])
    rows[np.arange(rows.shape[0]), index.reshape(-1)] -= np.reshape(amount, -1)
