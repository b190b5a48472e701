"""Numbers of every size, and comparison over all of them."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray


@functools.cache
def everywhere(dtype: str) -> NDArray[np.floating]:
    """Every exponent of both signs with 64 mantissas, those of zero and subnormal numbers too, and infinities."""
    info = np.finfo(dtype)
    whole: type = {"float32": np.uint32, "float64": np.uint64}[dtype]
    exponents = np.arange(2**info.nexp - 1, dtype=whole) << whole(info.nmant)
    mantissas = np.linspace(0, 2**info.nmant - 1, 64).astype(whole)
    x = (exponents[:, None] | np.append(mantissas, whole(1))).ravel().view(dtype)
    return np.concatenate([x, -x, [np.inf, -np.inf, info.max, info.min]]).astype(dtype)


def flushed(x: NDArray[np.floating], dtype: str) -> NDArray[np.float64]:
    """In float64, subnormal numbers of the dtype being zero."""
    wide = x.astype("float64")
    return np.where(np.abs(wide) < np.finfo(dtype).tiny, 0.0, wide)


def assert_near(got: NDArray[np.floating], wanted: NDArray[np.float64], places: float) -> None:
    """Within so many roundings of the larger of 1 and the value; infinite where that is beyond the largest number."""
    with np.errstate(over="ignore"):
        rounded = wanted.astype(got.dtype)
    beyond = np.isinf(rounded)
    np.testing.assert_array_equal(got[beyond], rounded[beyond])
    error = np.abs(got[~beyond].astype("float64") - wanted[~beyond])
    assert np.all(error <= places * np.finfo(got.dtype).eps * (1 + np.abs(wanted[~beyond])))
