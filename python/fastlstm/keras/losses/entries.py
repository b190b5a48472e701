"""Entries of labels, outputs and losses: their shapes, weights and means."""

import math
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, any_numbers


def as_outputs(y_pred: Any) -> Array:
    """`y_pred` as an array of floats with an axis of rows at least."""
    array = any_numbers(y_pred, "y_pred", "outputs of a model")
    if array.ndim == 0:
        checks.complain(ValueError, "y_pred", "have an axis at least", array)
    return array if array.dtype.kind == "f" else array.astype(np.float32)


def fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    """Whether `shape` is `wanted`, in which None stands for any size."""
    return len(shape) == len(wanted) and all(w is None or s == w for s, w in zip(shape, wanted, strict=True))


def expand(weights: Array, ndim: int) -> Array:
    """`weights` with axes of length one at the end, so that it multiplies arrays of `ndim` axes."""
    missing = ndim - weights.ndim
    return weights.reshape(weights.shape + (1,) * missing) if missing else weights


def weighted(values: Array, weights: Array) -> Array:
    """`values` times `weights` of their first axes; a weight of 0 gives 0, whatever the value: it does not count."""
    weights = expand(weights, values.ndim)
    if not math.isfinite(np.add.reduce(values, axis=None)):
        values = np.where(weights == 0, values.dtype.type(0), values)
    product: Array = values * weights
    return product


def scaled(gradient: Array, weights: Array | None, scale: float) -> Array:
    """`gradient` times a number, and times `weights` as `weighted` has it."""
    return (gradient if weights is None else weighted(gradient, weights)) * scale


def counted(slope: Array, weights: Array | None) -> Array:
    """`slope` with zeros for what is not finite where the weight is 0: 0 times NaN is NaN on the way back."""
    if weights is None or math.isfinite(np.add.reduce(slope, axis=None)):
        return slope
    return np.where((expand(weights, slope.ndim) == 0) & ~np.isfinite(slope), slope.dtype.type(0), slope)


def apply_mask(weights: Array | None, mask: Array | None, dtype: np.dtype[Any], mean: bool) -> Array | None:
    """Sample weights that leave out what `mask` leaves out.

    Parameters
    ----------
    weights : ndarray, optional
        Shape of `mask`, or without its last axes; None: all ones.
    mask : ndarray, optional
        False where an entry does not count; None: all count.
    dtype : dtype
        Of the result.
    mean : bool
        Scale the weights up, so that a mean over all entries becomes one over those that count.
    """
    if mask is None:
        return weights
    factor = mask.astype(dtype)
    if mean:
        factor *= mask.size / max(1, int(np.count_nonzero(mask)))
    if weights is None:
        return factor
    ndim = max(weights.ndim, factor.ndim)
    result: Array = expand(weights, ndim) * expand(factor, ndim)
    return result


def mean_last(values: Array) -> Array:
    """Mean over the last axis."""
    result: Array = np.add.reduce(values, axis=-1) / values.shape[-1]
    return result
