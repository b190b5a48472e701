"""The losses as functions: the value of every row."""

from typing import Any

from ..foundation.arrays import Array
from .base import Loss
from .binary import BinaryCrossentropy
from .categorical import CategoricalCrossentropy
from .differences import Huber, MeanAbsoluteError, MeanSquaredError
from .sparse_categorical import SparseCategoricalCrossentropy


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Array:
    """Loss of every row; see `CategoricalCrossentropy`."""
    return _entries(CategoricalCrossentropy(from_logits, label_smoothing, axis, "none"), y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Array:
    """Loss of every row; see `SparseCategoricalCrossentropy`."""
    return _entries(SparseCategoricalCrossentropy(from_logits, ignore_class, axis, "none"), y_true, y_pred)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Array:
    """Loss of every row; see `BinaryCrossentropy`."""
    return _entries(BinaryCrossentropy(from_logits, label_smoothing, axis, "none"), y_true, y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `MeanSquaredError`."""
    return _entries(MeanSquaredError(reduction="none"), y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `MeanAbsoluteError`."""
    return _entries(MeanAbsoluteError(reduction="none"), y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Array:
    """Loss of every row; see `Huber`."""
    return _entries(Huber(delta, "none"), y_true, y_pred)


def _entries(loss: Loss, y_true: Any, y_pred: Any) -> Array:
    result: Array = loss(y_true, y_pred)
    return result


FUNCTIONS = (
    *(categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy),
    *(mean_squared_error, mean_absolute_error, huber),
)
