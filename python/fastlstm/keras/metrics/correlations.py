"""How labels and outputs go together along an axis."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation import settings
from ..foundation.arrays import Array
from .base import Metric


class _Correlation(Metric):
    direction = "up"

    def __init__(self, name: str | None = None, dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype)
        self.axis = checks.whole_number("axis", axis)

    def _moments(self, y_true: Array, y_pred: Array) -> tuple[Array, Array, Array, Array]:
        """Return the covariance, both variances, and the difference of the means, along the axis."""
        of_y, of_p = (part.mean(axis=self.axis, keepdims=True) for part in (y_true, y_pred))
        y, p = y_true - of_y, y_pred - of_p
        covariance, y_variance, p_variance = (part.mean(axis=self.axis) for part in (y * p, y * y, p * p))
        return covariance, y_variance, p_variance, (of_y - of_p).squeeze(self.axis)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis}


class PearsonCorrelation(_Correlation):
    """``covariance / (deviation of labels * deviation of outputs)`` along an axis, from -1 to 1.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy
        See `Metric`.
    axis : int or tuple of int
        Along which the values lie.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.
    TypeError
        If `axis` has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> round(metrics.PearsonCorrelation()([[0, 1, 0.5]], [[0.0, 2.0, 1.0]]), 4)
    1.0
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the correlation of every row."""
        covariance, y_variance, p_variance, _ = self._moments(y_true, y_pred)
        with np.errstate(all="ignore"):
            result: Array = covariance / np.sqrt(y_variance * p_variance)
        return result


class ConcordanceCorrelation(_Correlation):
    """``2 * covariance / (both variances + square of the difference of the means)`` along an axis, from -1 to 1.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy
        See `Metric`.
    axis : int or tuple of int
        Along which the values lie.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.
    TypeError
        If `axis` has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> round(metrics.ConcordanceCorrelation()([[0, 1, 0.5]], [[0.0, 2.0, 1.0]]), 4)
    0.6154
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the correlation of every row."""
        covariance, y_variance, p_variance, between = self._moments(y_true, y_pred)
        result: Array = 2 * covariance / (y_variance + p_variance + between * between + settings.epsilon())
        return result
