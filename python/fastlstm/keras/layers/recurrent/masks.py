"""What recurrent layers give at steps that a mask leaves out, and the adjoint of it.

``valid`` holds booleans ``(N, T)`` in the order in which the steps are read.
"""

import numpy as np

from fastlstm.tables import add_rows

from ...foundation.arrays import Array


def repeat_last(y: Array, valid: Array) -> None:
    """Overwrite `y` (N, T, H), zero where steps are left out, by the output of the last valid step before them."""
    rows, steps = np.nonzero(~valid)
    # Before the first valid step the latest is step 0, where y is zero: what is wanted there.
    y[rows, steps] = y[rows, _latest(valid)[rows, steps]]


def repeat_last_adjoint(dy: Array, valid: Array) -> Array:
    """Gradient of the outputs before `repeat_last`: a valid step gathers the gradients of its repetitions."""
    rows, steps = np.nonzero(~valid)
    repeated = dy[rows, steps]
    if not repeated.any():  # as when the loss and all layers in between leave these steps out
        return dy
    gathered = np.array(dy, order="C")
    add_rows(gathered, rows * valid.shape[1] + _latest(valid)[rows, steps], repeated)
    return gathered


def _latest(valid: Array) -> Array:
    """Return the last valid step up to each step, 0 if there is none."""
    result: Array = np.maximum.accumulate(np.where(valid, np.arange(valid.shape[1]), 0), axis=1)
    return result


def keep_rows(values: Array, there: Array) -> Array:
    """`values` (N, H) with zeros in the rows that are not `there`."""
    if there.all():
        return values
    kept = values.copy()
    kept[~there] = 0
    return kept
