"""Losses of the difference between label and output."""

import math
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .base import Loss
from .entries import mean_last
from .plain import PlainLoss


class MeanSquaredError(PlainLoss):
    """Mean over the last axis of ``(y_pred - y_true) ** 2``.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> float(losses.MeanSquaredError()([[0.0, 0.0]], [[1.0, 3.0]]))
    5.0
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return mean_last((y_pred - y_true) ** 2)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        result: Array = (y_pred - y_true) * (2 / y_pred.shape[-1])
        return result


class MeanAbsoluteError(PlainLoss):
    """Mean over the last axis of ``abs(y_pred - y_true)``.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> float(losses.MeanAbsoluteError()([[0.0, 0.0]], [[1.0, 3.0]]))
    2.0
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return mean_last(np.abs(y_pred - y_true))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`; 0 where both agree."""
        result: Array = np.sign(y_pred - y_true) * (1 / y_pred.shape[-1])
        return result


class Huber(Loss):
    """Mean over the last axis of a square up to `delta` from the label, and a straight line beyond.

    Parameters
    ----------
    delta : float
        Where the square goes over into the line.
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `delta` is out of range, `reduction` is unknown, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> float(losses.Huber(delta=1.0)([[0.0, 0.0]], [[0.5, 3.0]]))
    1.3125
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.delta = checks.real_number("delta", delta, above=0)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        error = np.abs(y_pred - y_true)
        inner = np.minimum(error, self.delta)
        return mean_last(0.5 * inner * inner + self.delta * (error - inner))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        result: Array = np.clip(y_pred - y_true, -self.delta, self.delta) / y_pred.shape[-1]
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"delta": self.delta}


class LogCosh(PlainLoss):
    """Mean over the last axis of ``log(cosh(y_pred - y_true))``: a square near the label, a straight line far from it.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> round(float(losses.LogCosh()([[0.0]], [[100.0]])), 4)  # 100 - log(2)
    99.3069
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        error = np.abs(y_pred - y_true)
        return mean_last(error + np.log1p(np.exp(-2 * error)) - math.log(2))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        result: Array = np.tanh(y_pred - y_true) / y_pred.shape[-1]
        return result
