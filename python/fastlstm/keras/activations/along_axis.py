"""Functions of all numbers along an axis."""

import numpy as np

from fastlstm import checks

from ..foundation import core
from ..foundation.arrays import Array
from .classic import stable_sigmoid
from .function import ActivationFunction, along, built_in


def _log_softmax(x: Array) -> Array:
    return core.softmax_and_log(x)[1]


def _log_softmax_backward(dy: Array, x: Array, y: Array) -> Array:
    result: Array = dy - core.softmax(x) * np.add.reduce(dy, axis=-1, keepdims=True)
    return result


def _log_softmax_along(axis: int = -1) -> ActivationFunction:
    return along(log_softmax, axis)


def _sparsemax(x: Array) -> Array:
    """Return the nearest probabilities: `x` less what makes them sum to 1, where that is positive.

    Keras 3.15 takes off too much where there are two probabilities or more, so that they are 0 or do not sum to 1.
    """
    shifted = x - np.maximum.reduce(x, axis=-1, keepdims=True, initial=-np.inf)
    falling = -np.sort(-shifted, axis=-1)
    counts = np.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    surplus = np.cumsum(falling, axis=-1) - 1
    last = np.add.reduce(counts * falling > surplus, axis=-1, keepdims=True) - 1
    last = np.maximum(last, 0)  # none, of NaN
    level = np.take_along_axis(surplus, last, axis=-1) / (last + 1).astype(x.dtype)
    result: Array = np.maximum(shifted - level, 0)
    return result


def _sparsemax_backward(dy: Array, x: Array, y: Array) -> Array:
    there = (y > 0) | np.isnan(y)
    kept = np.where(there, dy, dy.dtype.type(0))
    count = np.add.reduce(there, axis=-1, keepdims=True).astype(dy.dtype)
    mean = np.add.reduce(kept, axis=-1, keepdims=True) / count
    result: Array = np.where(there, kept - mean, dy.dtype.type(0)) + 0 * y
    return result


def _sparsemax_along(axis: int = -1) -> ActivationFunction:
    return along(sparsemax, axis)


def _halves(x: Array) -> tuple[Array, Array]:
    size = x.shape[-1]
    if size % 2:
        checks.refuse(ValueError, "glu: the axis to halve", "of an even size", size)
    return x[..., : size // 2], x[..., size // 2 :]


def _glu(x: Array) -> Array:
    values, gates = _halves(x)
    result: Array = values * stable_sigmoid(gates)
    return result


def _glu_backward(dy: Array, x: Array, y: Array) -> Array:
    values, gates = _halves(x)
    share = stable_sigmoid(gates)
    return np.concatenate([dy * share, dy * values * share * (1 - share)], axis=-1)


def _glu_along(axis: int = -1) -> ActivationFunction:
    return along(glu, axis)


log_softmax = built_in("log_softmax", _log_softmax, _log_softmax_backward, family=_log_softmax_along)
sparsemax = built_in("sparsemax", _sparsemax, _sparsemax_backward, family=_sparsemax_along)
glu = built_in("glu", _glu, _glu_backward, family=_glu_along)
