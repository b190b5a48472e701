"""Cross-entropies in which labels that the outputs are sure of count little."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ..activations import stable_sigmoid
from ..foundation.arrays import Array
from ..foundation.core import softmax_and_log
from .base import Loss
from .entries import mean_last
from .probabilities import check_last_axis, clip, inside, normalize, smoothed


class BinaryFocalCrossentropy(Loss):
    """Mean over the last axis of ``(1 - q) ** gamma * crossentropy``, where `q` is the probability of the label.

    Parameters
    ----------
    apply_class_balancing : bool
        Multiply with `alpha` for labels 1, and ``1 - alpha`` for labels 0.
    alpha, gamma : float
        See above.
    from_logits : bool
        The model's output is to go through a sigmoid first.
    label_smoothing : float
        Between 0 and 1: how far the labels are moved towards one half.
    axis : int
        -1 only.
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `alpha`, `gamma` or `label_smoothing` is out of range, `reduction` is unknown, or labels and outputs
        do not fit.
    TypeError
        If an argument has another type.

    References
    ----------
    Lin and others, Focal Loss for Dense Object Detection, ICCV 2017.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> round(float(losses.BinaryFocalCrossentropy(gamma=1.0)([[1.0]], [[0.5]])), 4)  # log(2) / 2
    0.3466
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        check_last_axis(axis)
        self.apply_class_balancing = checks.truth("apply_class_balancing", apply_class_balancing)
        self.alpha = checks.real_number("alpha", alpha, at_least=0)
        self.gamma = checks.real_number("gamma", gamma, at_least=0)
        self.from_logits = checks.truth("from_logits", from_logits)
        self.label_smoothing = checks.fraction("label_smoothing", label_smoothing)

    def _given(self, y_true: Array, y_pred: Array) -> tuple[Array, Array, Array | float]:
        """Return labels, probabilities, and the factors of the classes."""
        y = smoothed(y_true, self.label_smoothing, 2)
        p = stable_sigmoid(y_pred) if self.from_logits else y_pred
        return y, p, y * self.alpha + (1 - y) * (1 - self.alpha) if self.apply_class_balancing else 1.0

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        y, p, factor = self._given(y_true, y_pred)
        return mean_last(factor * _unsure(y, p) ** self.gamma * _crossentropy(y, clip(p)))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        y, p, factor = self._given(y_true, y_pred)
        unsure, o = _unsure(y, p), clip(p)
        slope = _power_slope(unsure, self.gamma) * (1 - 2 * y) * _crossentropy(y, o)
        slope = slope + unsure**self.gamma * (o - y) / (o * (1 - o)) * inside(p)
        result: Array = factor * slope / y_pred.shape[-1]
        return result * p * (1 - p) if self.from_logits else result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("from_logits", "label_smoothing", "apply_class_balancing", "alpha", "gamma")
        return super().get_config() | {"axis": -1} | {name: getattr(self, name) for name in names}


class CategoricalFocalCrossentropy(Loss):
    """``sum(alpha * (1 - y_pred) ** gamma * -y_true * log(y_pred))`` over the last axis, for one-hot labels.

    Parameters
    ----------
    alpha : float or sequence of float
        Factor of all classes, or a list with that of each.
    gamma : float
        See above.
    from_logits : bool
        The model's output is to go through a softmax first.
    label_smoothing : float
        Between 0 and 1: the part of the labels that is spread evenly over all classes.
    axis : int
        -1 only.
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `alpha`, `gamma` or `label_smoothing` is out of range, `reduction` is unknown, or labels and outputs
        do not fit.
    TypeError
        If an argument has another type.

    References
    ----------
    Lin and others, Focal Loss for Dense Object Detection, ICCV 2017.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> loss = losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=1.0)
    >>> round(float(loss([[1.0, 0.0]], [[0.5, 0.5]])), 4)  # log(2) / 2
    0.3466
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        check_last_axis(axis)
        self.alpha = _factors(alpha)
        self.gamma = checks.real_number("gamma", gamma, at_least=0)
        self.from_logits = checks.truth("from_logits", from_logits)
        self.label_smoothing = checks.fraction("label_smoothing", label_smoothing)

    def _given(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Return labels, each times its factor, and probabilities."""
        y = smoothed(y_true, self.label_smoothing, y_true.shape[-1])
        p = softmax_and_log(y_pred)[0] if self.from_logits else normalize(y_pred)
        return y * np.asarray(self.alpha, y.dtype), p

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        y, p = self._given(y_true, y_pred)
        o = clip(p)
        result: Array = -np.add.reduce((1 - o) ** self.gamma * y * np.log(o), axis=-1)
        return result

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`, 0 where it is clipped."""
        y, p = self._given(y_true, y_pred)
        o = clip(p)
        slope = y * (_power_slope(1 - o, self.gamma) * np.log(o) - (1 - o) ** self.gamma / o) * inside(p)
        slope = slope - np.add.reduce(slope * p, axis=-1, keepdims=True)
        result: Array = slope * p if self.from_logits else slope / np.add.reduce(y_pred, axis=-1, keepdims=True)
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("from_logits", "label_smoothing", "alpha", "gamma")
        return super().get_config() | {"axis": -1} | {name: getattr(self, name) for name in names}


def _factors(alpha: Any) -> float | list[float]:
    if not isinstance(alpha, list | tuple | np.ndarray):
        return checks.real_number("alpha", alpha, at_least=0)
    if not len(alpha):
        checks.refuse(ValueError, "alpha", "a number of at least 0, or a list of one for each class", alpha)
    return [checks.real_number("alpha: each", value, at_least=0) for value in alpha]


def _unsure(y: Array, p: Array) -> Array:
    """One less the probability of the label."""
    result: Array = 1 - (y * p + (1 - y) * (1 - p))
    return result


def _crossentropy(y: Array, p: Array) -> Array:
    result: Array = -(y * np.log(p) + (1 - y) * np.log(1 - p))
    return result


def _power_slope(base: Array, power: float) -> Array:
    """Return the derivative of ``base ** power`` with respect to `base`."""
    result: Array = power * base ** (power - 1) if power else np.zeros_like(base)
    return result
