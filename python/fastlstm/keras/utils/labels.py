"""Labels as rows of zeros with a one."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, any_numbers


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """One-hot rows for class numbers.

    Parameters
    ----------
    x : array_like
        Integers from 0 to ``num_classes - 1``, of any shape; a last axis of length one is dropped.
    num_classes : int, optional
        Length of the rows; by default one more than the largest class number.

    Returns
    -------
    ndarray of float64, shape ``x.shape + (num_classes,)``

    Raises
    ------
    ValueError
        A class number is negative, not whole, or not below `num_classes`.
    """
    if num_classes is not None:
        num_classes = checks.whole_number("num_classes", num_classes, at_least=1)
    labels = _class_numbers(x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = num_classes or (int(labels.max(initial=-1)) + 1)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        wanted = "of at least 0" if num_classes is None else f"from 0 to {classes - 1}"
        checks.complain(ValueError, "x", f"hold class numbers {wanted}", f"{labels.min()} to {labels.max()}")
    with checks.memory("x" if num_classes is None else "num_classes", classes, labels.size * classes * 8):
        rows: Array = (labels[..., None] == np.arange(classes)).astype(np.float64)
    return rows


def _class_numbers(x: Any) -> Array:
    given = any_numbers(x, "x", "class numbers")
    with np.errstate(invalid="ignore"):
        labels: Array = given.astype(np.int64)
    if not np.array_equal(labels, given):
        checks.complain(ValueError, "x", "hold whole numbers, the classes", given[labels != given].flat[0])
    return labels
