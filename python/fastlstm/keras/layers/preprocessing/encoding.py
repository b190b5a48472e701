"""Class numbers as rows of zeros with ones or counts."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape

MODES = ("int", "one_hot", "multi_hot", "count")
"""Numbers themselves; a row for each; a row for all along the last axis: what is there, or how often."""

OLD_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}
"""Names that modes had."""


def mode_of(name: str, value: Any, valid: tuple[str, ...]) -> str:
    """`value` as one of the `valid` modes; it may have its old name."""
    today = OLD_MODES.get(value, value) if isinstance(value, str) else value
    return checks.one_of(name, today, valid)


def encoded(indices: Array, mode: str, depth: int, dtype: Any, weights: Array | None = None) -> Array:
    """Return class numbers in a mode.

    Parameters
    ----------
    indices : ndarray
        Whole numbers; those below 0 and from `depth` on leave no trace but in mode ``"int"``.
    mode : str
        One of `MODES`.
    depth : int
        Length of the rows.
    dtype : dtype or DTypePolicy, optional
        Of the rows.
    weights : ndarray, optional
        What each number counts, for mode ``"count"``; None: 1.
    """
    if mode == "int":
        return indices
    if mode == "one_hot":
        of_one = _without_last(indices) if _ends_in_one(indices.shape) else np.atleast_1d(indices)
        found: Array = (of_one[..., None] == np.arange(depth)).astype(dtype)
        return found
    rows = np.atleast_1d(indices)
    length = rows.shape[-1]
    number = rows.size // length if length else int(np.prod(rows.shape[:-1]))
    of_row = np.repeat(np.arange(number), length)
    counts = counts_of_rows(of_row, rows.reshape(-1), number, depth, weights)
    return as_mode(counts, mode, dtype).reshape(*rows.shape[:-1], depth)


def counts_of_rows(of_row: Array, indices: Array, number: int, depth: int, weights: Array | None = None) -> Array:
    """Return how often each index occurs in each row, ``(number, depth)``.

    Parameters
    ----------
    of_row, indices : ndarray
        For each entry its row, and its index; those out of range do not count.
    number : int
        Of rows.
    depth, weights : int; ndarray
        See `encoded`.
    """
    there = (indices >= 0) & (indices < depth)
    places = of_row[there] * depth + indices[there]
    factors = None if weights is None else weights.reshape(-1)[there]
    return np.bincount(places, factors, number * depth).reshape(number, depth)


def as_mode(counts: Array, mode: str, dtype: Any) -> Array:
    """Return counts, or in mode ``"multi_hot"`` a one for each that is not 0."""
    found: Array = (counts != 0 if mode == "multi_hot" else counts).astype(dtype)
    return found


def encoded_shape(shape: Shape, mode: str, depth: int | None) -> Shape:
    """Shape of what `encoded` gives for indices of a `shape`."""
    if mode == "int":
        return shape
    if mode == "one_hot":
        return (*(shape[:-1] if _ends_in_one(shape) else shape or (1,)), depth)
    return (*shape[:-1], depth)


def _ends_in_one(shape: Shape) -> bool:
    return len(shape) > 1 and shape[-1] == 1


def _without_last(indices: Array) -> Array:
    return indices[..., 0]
