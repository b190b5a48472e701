"""What recurrent layers give at steps that a mask leaves out, and the adjoint of it.

``valid`` holds booleans ``(N, T)`` in the order in which the steps are read.
"""

import numpy as np

from ..arrays import Array


def repeat_last(y: Array, valid: Array) -> None:
    """Overwrite `y` (N, T, H), zero where steps are left out, by the output of the last valid step before them."""
    rows, steps = np.nonzero(~valid)
    places = np.where(valid, np.arange(valid.shape[1]), 0)
    latest = np.maximum.accumulate(places, axis=1)[rows, steps]
    # Before the first valid step `latest` is 0, where y is zero: what is wanted there.
    y[rows, steps] = y[rows, latest]


def repeat_last_adjoint(dy: Array, valid: Array) -> Array:
    """Gradient of the outputs before `repeat_last`: a valid step gathers the gradients of its repetitions."""
    rows, steps, size = dy.shape
    first = valid.copy()
    first[:, 0] = True
    starts = np.flatnonzero(first)
    gathered = np.zeros((rows * steps, size), dy.dtype)
    gathered[starts] = np.add.reduceat(dy.reshape(rows * steps, size), starts, axis=0)
    return gathered.reshape(dy.shape)


def keep_rows(values: Array, there: Array) -> Array:
    """`values` (N, H) with zeros in the rows that are not `there`."""
    if there.all():
        return values
    kept = values.copy()
    kept[~there] = 0
    return kept
