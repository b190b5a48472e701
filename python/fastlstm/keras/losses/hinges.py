"""Losses that are 0 once the output is on the right side by a margin of 1."""

import numpy as np

from ..foundation.arrays import Array
from .base import Counted
from .entries import expand, mean_last
from .plain import PlainLoss


class Hinge(PlainLoss):
    """Mean over the last axis of ``max(1 - y_true * y_pred, 0)``, for labels -1 and 1; or 0 and 1, taken for these.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> float(losses.Hinge()([[0.0, 1.0]], [[-0.5, 2.0]]))
    0.25
    """

    def compared(self, labels: Array, counted: Counted) -> Array:
        """Return the labels of a batch, with -1 for 0 if all that count are 0 and 1."""
        if not (labels == 0).any():  # such labels need no change
            return labels
        of_two = (labels == 0) | (labels == 1)
        counts = None if of_two.all() else counted()
        if counts is not None and counts.shape == labels.shape[: counts.ndim]:
            of_two |= ~expand(counts, labels.ndim)
        return 2 * labels - 1 if of_two.all() else labels

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return mean_last(_short(y_true, y_pred))

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        result: Array = -y_true * (_short(y_true, y_pred) > 0) / y_pred.shape[-1]
        return result


class SquaredHinge(Hinge):
    """Mean over the last axis of ``max(1 - y_true * y_pred, 0) ** 2``, for labels as those of `Hinge`.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> float(losses.SquaredHinge()([[0.0, 1.0]], [[-0.5, 2.0]]))
    0.125
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return mean_last(_short(y_true, y_pred) ** 2)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        result: Array = _short(y_true, y_pred) * y_true * (-2 / y_pred.shape[-1])
        return result


class CategoricalHinge(PlainLoss):
    """``max(1 + max((1 - y_true) * y_pred) - sum(y_true * y_pred), 0)`` over the last axis, for one-hot labels.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> float(losses.CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]]))
    0.5
    """

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return self._parts(y_true, y_pred)[0]

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`; equal largest outputs share it."""
        losses, others = self._parts(y_true, y_pred)
        largest = others == np.maximum.reduce(others, axis=-1, keepdims=True)
        share = largest / np.add.reduce(largest, axis=-1, keepdims=True)
        result: Array = ((1 - y_true) * share - y_true) * (losses > 0)[..., None]
        return result.astype(y_pred.dtype, copy=False)

    def _parts(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Return the loss of every row, and the outputs at the other classes."""
        others = (1 - y_true) * y_pred
        own = np.add.reduce(y_true * y_pred, axis=-1)
        return np.maximum(np.maximum.reduce(others, axis=-1) - own + 1, 0), others


def _short(y_true: Array, y_pred: Array) -> Array:
    """By how much every output misses the margin."""
    result: Array = np.maximum(1 - y_true * y_pred, 0)
    return result
