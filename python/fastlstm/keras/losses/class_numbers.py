"""Losses of labels that are class numbers."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, as_array
from .base import Counted, Loss
from .entries import expand, fits


class ClassNumberLoss(Loss):
    """Base of losses whose labels are class numbers, one for each row of outputs."""

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


def at(values: Array, index: Array) -> Array:
    """Return the value at the class number of every row."""
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]
