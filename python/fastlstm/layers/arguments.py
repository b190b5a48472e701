"""Arrays that users give, checked one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks
from fastlstm.precisions import is_bfloat16
from fastlstm.typing import Floats


def as_array(value: Any, name: str, dtype: np.dtype[Any]) -> Floats:
    """`value` if it is an array of the layer's `dtype`, in any byte order; bfloat16 becomes float32."""
    if not isinstance(value, np.ndarray):
        checks.complain(TypeError, name, f"be a NumPy array of {dtype}", type(value).__name__)
    if value.dtype != dtype and value.dtype.newbyteorder("=") != dtype:
        if is_bfloat16(value) and dtype == np.float32:
            return value.astype(dtype)
        checks.refuse_dtype(name, f"{dtype}, that of the layer", value.dtype, f": use {name}.astype('{dtype}')")
    return np.asarray(value)  # a matrix would index otherwise


def as_parameter(value: Any, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """`value` as an array of floats of that `shape`."""
    array = checks.array(name, value)
    array = array.astype(np.float32) if is_bfloat16(array) else array
    if array.dtype.kind != "f":
        checks.complain(TypeError, name, "hold floating-point numbers", f"dtype {array.dtype}")
    if array.shape != shape:
        checks.refuse_shape(name, shape, array.shape)
    return array


def as_counter(value: Any, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """`value` as whole numbers in an array of that `shape`."""
    array = checks.whole_numbers(name, value)
    if array.shape != shape:
        checks.refuse_shape(name, shape, array.shape)
    return array


def as_floats(value: Any, name: str) -> Floats:
    """`value` if it is an array of float32 or float64, in any byte order."""
    if not isinstance(value, np.ndarray):
        checks.complain(TypeError, name, "be a NumPy array of float32 or float64", type(value).__name__)
    native = value.dtype.newbyteorder("=")
    if native not in (np.dtype(np.float32), np.dtype(np.float64)):
        checks.refuse_dtype(name, "float32 or float64", value.dtype)
    return np.asarray(value, native)


def one_state(state: Any, hx: Any) -> Any:
    """Return the initial state, which has two names."""
    if hx is None:
        return state
    if state is not None:
        checks.complain(ValueError, "state", "be left out where hx is given, its other name", "both")
    return hx
