"""Losses of how far labels and outputs overlap, each taken as a set."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation import settings
from ..foundation.arrays import Array
from .base import Loss, Slope
from .entries import expand, scaled


class Overlap(Loss):
    """Base class: one value for all that is along some axes.

    Parameters
    ----------
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.
    axis : int or tuple of int, optional
        The axes that are summed over; None: all, that of the rows too, so that a batch has one value.
    """

    def __init__(self, reduction: str | None, name: str | None, axis: int | tuple[int, ...] | None, dtype: Any) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = _axes(axis)

    def _parts(self, y: Array, p: Array) -> tuple[Array, Array]:
        """Return what is taken from 1, as a numerator and a divisor, with axes of length one for those summed over."""
        raise NotImplementedError(f"{type(self).__name__} must define _parts(y, p)")

    def _sum(self, values: Array) -> Array:
        result: Array = np.add.reduce(values, axis=self.axis, keepdims=True)
        return result

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of what is not summed over."""
        part, whole = self._parts(y_true, y_pred)
        result: Array = np.squeeze(1 - part / whole, axis=self.axis)
        return result

    def with_mask(self, y_true: Array, y_pred: Array, mask: Array) -> tuple[Array, Slope, Array | None]:
        """See `Loss.with_mask`: what is left out is in neither set."""
        there = expand(mask, y_pred.ndim)
        y, p = (np.where(there, part, part.dtype.type(0)) for part in (y_true, y_pred))
        counts = self._counting(mask, y_pred.ndim)
        entries = self.call(y, p)
        if counts.ndim == 0:
            entries = entries * counts
        slope = lambda weights, scale: np.where(there, scaled(self.gradient(y, p), weights, scale), p.dtype.type(0))  # noqa: E731
        return entries, slope, counts if counts.ndim else None

    def _counting(self, mask: Array, ndim: int) -> Array:
        """Return which entries have anything that is not left out."""
        axes = range(ndim) if self.axis is None else np.atleast_1d(self.axis) % ndim
        found: Array = np.logical_or.reduce(mask, axis=tuple(int(axis) for axis in axes if axis < mask.ndim))
        return np.asarray(found)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis}


class Tversky(Overlap):
    """``1 - i / (i + alpha * m + beta * e)`` of the overlap ``i = sum(y * p)``, with ``m = sum(y * (1 - p))``.

    Missed is `m`, and in excess ``e = sum((1 - y) * p)``; the divisor has 1e-7 added.

    Parameters
    ----------
    alpha, beta : float
        See above.
    axis : int or tuple of int, optional
        See `Overlap`.
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `alpha` or `beta` is out of range, `reduction` is unknown, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    References
    ----------
    Salehi and others, Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep Networks, 2017.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> round(float(losses.Tversky()([[1.0, 1.0]], [[1.0, 0.0]])), 4)
    0.3333
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: int | tuple[int, ...] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, axis, dtype)
        self.alpha = checks.real_number("alpha", alpha, at_least=0)
        self.beta = checks.real_number("beta", beta, at_least=0)

    def _parts(self, y: Array, p: Array) -> tuple[Array, Array]:
        """Return `i` and the divisor, with axes of length one for those summed over."""
        both = self._sum(y * p)
        missed, excess = self._sum(y * (1 - p)), self._sum((1 - y) * p)
        return both, both + self.alpha * missed + self.beta * excess + p.dtype.type(settings.epsilon())

    def _divisor_slope(self, y: Array) -> Array:
        """Return the derivative of the divisor with respect to the outputs."""
        return y - self.alpha * y + self.beta * (1 - y)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        both, divisor = self._parts(y_true, y_pred)
        result: Array = (both / divisor * self._divisor_slope(y_true) - y_true) / divisor
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"alpha": self.alpha, "beta": self.beta}


class Dice(Overlap):
    """``1 - 2 * sum(y * p) / (sum(y) + sum(p) + 1e-7)``.

    Parameters
    ----------
    axis : int or tuple of int, optional
        See `Overlap`.
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
    >>> round(float(losses.Dice()([[1.0, 1.0]], [[1.0, 0.0]])), 4)
    0.3333
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: int | tuple[int, ...] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, axis, dtype)

    def _parts(self, y: Array, p: Array) -> tuple[Array, Array]:
        """Return twice the overlap and the divisor, with axes of length one for those summed over."""
        return self._sum(2 * y * p), self._sum(y + p) + p.dtype.type(settings.epsilon())

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        both, total = self._parts(y_true, y_pred)
        result: Array = (both / total - 2 * y_true) / total
        return result


def _axes(axis: Any) -> int | tuple[int, ...] | None:
    if axis is None:
        return None
    if isinstance(axis, list | tuple) and axis:
        return tuple(checks.whole_number("axis: each", number) for number in axis)
    return checks.whole_number("axis", axis)
