"""Cross-entropy of class numbers."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, as_array
from .base import Counted, Loss
from .entries import expand, fits
from .probabilities import check_last_axis, clip, inside, softmax_parts


class SparseCategoricalCrossentropy(Loss):
    """``-log(y_pred[label])``, for labels that are class numbers.

    Parameters
    ----------
    from_logits
        See `CategoricalCrossentropy`.
    ignore_class
        None only.
    axis
        -1 only.
    reduction, name, dtype
        See `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
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

    def prepare(self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Array:
        """Class numbers as integers without a last axis of length one, all of them within range."""
        return self.prepare_counted(y, output_shape, dtype, lambda: None)

    def prepare_counted(
        self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any], counted: Counted
    ) -> Array:
        """Class numbers; -1 in place of one that is out of range and does not count."""
        labels = as_array(y, "y", np.dtype(np.float64), "an array of class numbers")
        if labels.ndim == len(output_shape) and labels.shape[-1] == 1:
            labels = labels[..., 0]
        if labels.ndim != len(output_shape) - 1 or not fits(labels.shape[1:], output_shape[1:-1]):
            wanted = f"{(None, *output_shape[1:-1])}, one class number an entry"
            cure = "; for one-hot rows use 'categorical_crossentropy'" if labels.ndim == len(output_shape) else ""
            checks.refuse_shape("y", wanted, labels.shape, cure)
        return _class_numbers(labels, output_shape[-1], counted)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[0]
        p = clip(y_pred)
        result: Array = np.log(np.add.reduce(p, axis=-1)) - np.log(_at(p, y_true))
        return result

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`, 0 where it is clipped."""
        if self.from_logits:
            return self.fused(y_true, y_pred)[2]
        p = clip(y_pred)
        slope: Array = np.broadcast_to(1 / np.add.reduce(p, axis=-1, keepdims=True), p.shape).copy()
        _subtract_at(slope, y_true, 1 / _at(p, y_true))
        return slope * inside(y_pred)

    def fused(self, y_true: Array, logits: Array) -> tuple[Array, Array, Array]:
        """With ``p = softmax(logits)``, the gradient is p less one at the label."""
        shifted, p, log_total = softmax_parts(logits)
        losses = log_total[..., 0] - _at(shifted, y_true)
        gradient = p.copy()
        _subtract_at(gradient, y_true, 1)
        return losses, logits if self.from_logits else p, gradient

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"from_logits": self.from_logits, "ignore_class": None}


def _class_numbers(labels: Array, classes: int | None, counted: Counted) -> Array:
    assert classes is not None
    numbers = np.where((labels >= 0) & (labels < classes), labels, -1).astype(np.int64)
    numbers[numbers != labels] = -1
    wrong = numbers < 0
    counts = counted() if wrong.any() else None
    if counts is not None and counts.shape == labels.shape[: counts.ndim]:
        wrong &= expand(counts, labels.ndim)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        place = f"row {first[0]}" + (f", step {first[1]}" if len(first) > 1 else "")
        wanted = f"hold whole numbers from 0 to {classes - 1}, as the output has {classes} classes"
        checks.complain(ValueError, "y", wanted, f"{labels[first]:g} at {place}")
    return numbers


def _at(values: Array, index: Array) -> Array:
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]


def _subtract_at(values: Array, index: Array, amount: Any) -> None:
    rows = values.reshape(-1, values.shape[-1])
    rows[np.arange(rows.shape[0]), index.reshape(-1)] -= np.reshape(amount, -1)
