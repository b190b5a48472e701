"""Losses of outputs that say how something is distributed."""

import numpy as np

from ..foundation import settings
from ..foundation.arrays import Array
from .entries import mean_last
from .plain import PlainLoss


class Poisson(PlainLoss):
    """Mean over the last axis of ``y_pred - y_true * log(y_pred + 1e-7)``, for labels that are counts.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> round(float(losses.Poisson()([[2.0]], [[1.0]])), 4)
    1.0
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return mean_last(y_pred - y_true * np.log(y_pred + settings.epsilon()))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        result: Array = (1 - y_true / (y_pred + settings.epsilon())) / y_pred.shape[-1]
        return result


class KLDivergence(PlainLoss):
    """``sum(y_true * log(y_true / y_pred))`` over the last axis, both kept within 1e-7 and 1.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> round(float(losses.KLDivergence()([[1.0, 0.0]], [[0.5, 0.5]])), 4)  # log(2)
    0.6931
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        y, p = np.clip(y_true, settings.epsilon(), 1), np.clip(y_pred, settings.epsilon(), 1)
        result: Array = np.add.reduce(y * np.log(y / p), axis=-1)
        return result

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`, 0 where it is clipped."""
        slope = -np.clip(y_true, settings.epsilon(), 1) / np.clip(y_pred, settings.epsilon(), 1)
        result: Array = slope * ((y_pred >= settings.epsilon()) & (y_pred <= 1))
        return result
