"""Arrays made of nothing but a shape or a rule."""

from collections.abc import Sequence
from typing import Any

import numpy

from ..foundation.arrays import Array, real_dtype, weight_shape
from ..foundation.boxes import bare
from ..foundation.passes import note_sizes
from ..foundation.settings import floatx
from .function import operation


def sizes(shape: Any) -> tuple[int, ...]:
    """`shape`, which may be one size, as a tuple."""
    found = weight_shape(tuple(shape) if isinstance(shape, Sequence | numpy.ndarray) else (shape,), "shape")
    note_sizes(found)
    return found


def _dtype(dtype: Any) -> numpy.dtype[Any]:
    return real_dtype("dtype", floatx() if dtype is None else dtype)


def zeros(shape: Any, dtype: Any = None) -> Array:
    """Zeros."""
    return numpy.zeros(sizes(shape), _dtype(dtype))


empty = zeros


def ones(shape: Any, dtype: Any = None) -> Array:
    """Ones."""
    return numpy.ones(sizes(shape), _dtype(dtype))


@operation
def full(np: Any, shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value everywhere."""
    if np is numpy:
        return np.full(sizes(shape), fill_value, dtype or (floatx() if type(fill_value) in (int, float) else None))
    return fill_value * numpy.ones(sizes(shape), dtype or fill_value.dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Ones on a diagonal."""
    return numpy.eye(N, M, k, dtype or floatx())


def identity(n: int, dtype: Any = None) -> Array:
    """Ones on the diagonal of a square."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Ones on a diagonal and below."""
    return numpy.tri(N, M, k, dtype or floatx())


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Array:
    """Numbers at equal distances."""
    given = [start] if stop is None else [start, stop]
    numbers = numpy.arange(*given, **({} if step is None else {"step": step}))
    return numbers.astype(dtype or (numpy.int32 if numbers.dtype.kind == "i" else floatx()))


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """So many numbers at equal distances; with `retstep`, the distance as well."""
    numbers, step = numpy.linspace(start, stop, num, endpoint, retstep=True, axis=axis)
    numbers = numbers.astype(dtype or floatx())
    return (numbers, step) if retstep else numbers


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None, axis: int = 0
) -> Array:
    """So many powers of a base, with exponents at equal distances."""
    powers: Array = numpy.logspace(start, stop, num, endpoint, base, axis=axis)
    return powers.astype(dtype or floatx())


@operation
def zeros_like(np: Any, x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape of `x`."""
    return numpy.zeros_like(bare(x), dtype)


empty_like = zeros_like


@operation
def ones_like(np: Any, x: Any, dtype: Any = None) -> Any:
    """Ones in the shape of `x`."""
    return numpy.ones_like(bare(x), dtype)


@operation
def full_like(np: Any, x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value in the shape of `x`."""
    if np is numpy:
        return np.full_like(x, fill_value, dtype)
    return fill_value * numpy.ones_like(bare(x), dtype)
