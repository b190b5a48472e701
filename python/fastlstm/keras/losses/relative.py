"""Losses of differences relative to the size of the labels."""

import numpy as np

from ..foundation import settings
from ..foundation.arrays import Array
from .entries import mean_last
from .plain import PlainLoss


class MeanAbsolutePercentageError(PlainLoss):
    """100 times the mean over the last axis of ``abs(y_pred - y_true) / max(abs(y_true), 1e-7)``.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> float(losses.MeanAbsolutePercentageError()([[4.0, 2.0]], [[5.0, 2.0]]))
    12.5
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return 100 * mean_last(np.abs(y_pred - y_true) / _size(y_true))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`; 0 where both agree."""
        result: Array = np.sign(y_pred - y_true) / _size(y_true) * (100 / y_pred.shape[-1])
        return result


class MeanSquaredLogarithmicError(PlainLoss):
    """Mean over the last axis of ``(log(1 + y_pred) - log(1 + y_true)) ** 2``, with values below 1e-7 taken for it.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> round(float(losses.MeanSquaredLogarithmicError()([[0.0, 9.0]], [[0.0, 99.0]])), 4)  # log(10)**2 / 2
    2.6509
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return mean_last((_logarithm(y_pred) - _logarithm(y_true)) ** 2)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`; 0 below 1e-7."""
        slope = (_logarithm(y_pred) - _logarithm(y_true)) / (1 + np.maximum(y_pred, settings.epsilon()))
        result: Array = slope * (2 / y_pred.shape[-1]) * (y_pred >= settings.epsilon())
        return result


def _size(values: Array) -> Array:
    result: Array = np.maximum(np.abs(values), settings.epsilon())
    return result


def _logarithm(values: Array) -> Array:
    result: Array = np.log(1 + np.maximum(values, settings.epsilon()))
    return result
