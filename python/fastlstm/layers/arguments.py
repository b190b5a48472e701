"""Arrays that users give, checked one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastlstm import checks
from fastlstm.typing import Floats


def as_array(value: Any, name: str, dtype: np.dtype[Any]) -> Floats:
    """`value` if it is an array of the layer's `dtype`, in any byte order."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array of {dtype}, got {type(value).__name__}")
    if value.dtype != dtype and value.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"{name} must have the layer's dtype {dtype}, got {value.dtype}: use {name}.astype('{dtype}')")
    return np.asarray(value)  # a matrix would index otherwise


def as_lengths(lengths: ArrayLike) -> NDArray[np.int64]:
    """`lengths` as whole numbers; the core checks their count and range."""
    array = checks.array("lengths", lengths, "whole numbers")
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"lengths must be whole numbers, got dtype {array.dtype}")
    if array.size and array.max() > np.iinfo(np.int64).max:  # which the core would see as negative
        raise ValueError(f"lengths must be numbers of steps, got {array.max()}")
    return array.astype(np.int64)


def as_parameter(value: Any, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """`value` as an array of floats of that `shape`."""
    array = checks.array(name, value)
    if array.dtype.kind != "f":
        raise TypeError(f"{name} must hold floating-point numbers, got dtype {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array
