"""Probabilities of a row, which sum to 1, and how far they are from labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array


def softmax(z: ArrayLike) -> tuple[Array, Array]:
    """Softmax over the last axis, and its logarithm.

    ::

        p     = exp(z - max z) / sum exp(z - max z)
        log p = (z - max z) - log sum exp(z - max z)

    Parameters
    ----------
    z : array_like
        At least one axis, which is not empty.

    Returns
    -------
    p, log_p : ndarray
        Same shape. A row with a NaN, with infinity or of nothing but -infinity is NaN throughout.

    Examples
    --------
    >>> p, log_p = softmax([0.0, 0.0, -np.inf])
    >>> p
    array([0.5, 0.5, 0. ])
    >>> np.exp(log_p)
    array([0.5, 0.5, 0. ])
    """
    z = np.asarray(z, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        shifted = z - z.max(axis=-1, keepdims=True)
        powers = np.exp(shifted)
        total = powers.sum(axis=-1, keepdims=True)
        return powers / total, shifted - np.log(total)


def softmax_cross_entropy(z: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Cross-entropy of labels with the softmax over the last axis, and its slope by `z`.

    ::

        loss     = -sum y log p
        dloss/dz = p sum y - y

    Parameters
    ----------
    z, y : array_like
        Logits and labels ``(..., C)``. The labels need not sum to 1.

    Returns
    -------
    loss : ndarray
        ``(...)``.
    slope : ndarray
        ``(..., C)``.

    Examples
    --------
    >>> loss, slope = softmax_cross_entropy([0.0, 0.0], [0.0, 1.0])
    >>> float(np.exp(-loss)), slope
    (0.5, array([ 0.5, -0.5]))
    """
    y = np.asarray(y, dtype=np.float64)
    p, log_p = softmax(z)
    with np.errstate(invalid="ignore"):
        return -(y * log_p).sum(axis=-1), p * y.sum(axis=-1, keepdims=True) - y
