"""Arrays that are cast a part at a time, as a copy of all of one would take much memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import REAL, Array

LARGE = 2**24
"""Bytes of an array that is cast at once at most."""


class Late:
    """An array of numbers that is cast when a part of it is taken.

    Parameters
    ----------
    array : ndarray
        The array.
    dtype : dtype
        What it is cast to.
    """

    def __init__(self, array: Array, dtype: np.dtype[Any]) -> None:
        self.array, self.dtype = array, dtype
        self.shape, self.ndim = array.shape, array.ndim

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, part: Any) -> Array:
        return np.require(self.array[part], self.dtype, "A")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[:].astype(self.dtype if dtype is None else dtype, copy=bool(copy))

    def rows(self, part: slice) -> Late:
        """Return some rows, to be cast later, too."""
        return Late(self.array[part], self.dtype)


def is_large(value: Any) -> bool:
    """Whether something is an array of numbers that is not cast at once."""
    return (
        type(value) in (np.ndarray, np.memmap) and value.nbytes > LARGE and value.dtype.kind in REAL and value.ndim > 0
    )


def later(value: Array, sample: Array) -> Any:
    """Return an array, which is large, or what casts it later, if its first row comes out as floats of another dtype.

    Parameters
    ----------
    value : ndarray
        The array.
    sample : ndarray
        What its first row is cast to.
    """
    same = sample.dtype == value.dtype and value.flags.aligned
    return value if same or sample.dtype.kind != "f" else Late(value, sample.dtype)


def whole(value: Any) -> Any:
    """Return `value` with all of it cast."""
    return value[:] if isinstance(value, Late) else value
