"""Biases as cuDNN has them: one of the inputs and one of the states, one after the other."""

import math

from ...foundation.arrays import Array


def as_sum(bias: Array, shape: tuple[int, ...]) -> Array:
    """Return both as one of a `shape`, where they have the same place in the equations."""
    (size,) = shape
    return bias[:size] + bias[size:] if bias.shape == (2 * size,) else bias


def as_rows(bias: Array, shape: tuple[int, ...]) -> Array:
    """Return both as the rows of an array of a `shape`."""
    return bias.reshape(shape) if bias.ndim == 1 and bias.size == math.prod(shape) else bias
