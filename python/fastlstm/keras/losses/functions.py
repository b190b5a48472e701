"""The losses as functions: the value of every row."""

from collections.abc import Sequence
from typing import Any

from ..foundation.arrays import Array
from .alignment import CTC
from .angle import CosineSimilarity
from .base import Loss
from .binary import BinaryCrossentropy
from .categorical import CategoricalCrossentropy
from .differences import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError
from .distributions import KLDivergence, Poisson
from .focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from .generalized import CategoricalGeneralizedCrossEntropy
from .hinges import CategoricalHinge, Hinge, SquaredHinge
from .overlaps import Dice, Tversky
from .relative import MeanAbsolutePercentageError, MeanSquaredLogarithmicError
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
    return _entries(SparseCategoricalCrossentropy(from_logits, ignore_class, "none", axis), y_true, y_pred)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Array:
    """Loss of every row; see `BinaryCrossentropy`."""
    return _entries(BinaryCrossentropy(from_logits, label_smoothing, axis, "none"), y_true, y_pred)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Loss of every row; see `BinaryFocalCrossentropy`."""
    settings = (apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis)
    return _entries(BinaryFocalCrossentropy(*settings, "none"), y_true, y_pred)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Loss of every row; see `CategoricalFocalCrossentropy`."""
    settings = (alpha, gamma, from_logits, label_smoothing, axis)
    return _entries(CategoricalFocalCrossentropy(*settings, "none"), y_true, y_pred)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Array:
    """Loss of every row; see `CategoricalGeneralizedCrossEntropy`."""
    return _entries(CategoricalGeneralizedCrossEntropy(q, "none"), y_true, y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `MeanSquaredError`."""
    return _entries(MeanSquaredError(reduction="none"), y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `MeanAbsoluteError`."""
    return _entries(MeanAbsoluteError(reduction="none"), y_true, y_pred)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `MeanAbsolutePercentageError`."""
    return _entries(MeanAbsolutePercentageError(reduction="none"), y_true, y_pred)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `MeanSquaredLogarithmicError`."""
    return _entries(MeanSquaredLogarithmicError(reduction="none"), y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Array:
    """Loss of every row; see `Huber`."""
    return _entries(Huber(delta, "none"), y_true, y_pred)


def log_cosh(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `LogCosh`."""
    return _entries(LogCosh(reduction="none"), y_true, y_pred)


def poisson(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `Poisson`."""
    return _entries(Poisson(reduction="none"), y_true, y_pred)


def kl_divergence(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `KLDivergence`."""
    return _entries(KLDivergence(reduction="none"), y_true, y_pred)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Array:
    """Loss of every row; see `CosineSimilarity`."""
    return _entries(CosineSimilarity(axis, "none"), y_true, y_pred)


def hinge(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `Hinge`."""
    return _entries(Hinge(reduction="none"), y_true, y_pred)


def squared_hinge(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `SquaredHinge`."""
    return _entries(SquaredHinge(reduction="none"), y_true, y_pred)


def categorical_hinge(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `CategoricalHinge`."""
    return _entries(CategoricalHinge(reduction="none"), y_true, y_pred)


def dice(y_true: Any, y_pred: Any, axis: int | tuple[int, ...] | None = None) -> Array:
    """Loss of what is not summed over; see `Dice`."""
    return _entries(Dice("none", axis=axis), y_true, y_pred)


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: int | tuple[int, ...] | None = None
) -> Array:
    """Loss of what is not summed over; see `Tversky`."""
    return _entries(Tversky(alpha, beta, "none", axis=axis), y_true, y_pred)


def ctc(y_true: Any, y_pred: Any) -> Array:
    """Loss of every row; see `CTC`."""
    return _entries(CTC("none"), y_true, y_pred)


def _entries(loss: Loss, y_true: Any, y_pred: Any) -> Array:
    result: Array = loss(y_true, y_pred)
    return result


FUNCTIONS = (
    *(categorical_crossentropy, sparse_categorical_crossentropy, binary_crossentropy),
    *(binary_focal_crossentropy, categorical_focal_crossentropy, categorical_generalized_cross_entropy),
    *(mean_squared_error, mean_absolute_error, huber, log_cosh),
    *(mean_absolute_percentage_error, mean_squared_logarithmic_error, cosine_similarity),
    *(poisson, kl_divergence, hinge, squared_hinge, categorical_hinge, dice, tversky, ctc),
)
