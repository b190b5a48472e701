"""Functions that put entries elsewhere, and that make arrays."""

from typing import Any

import numpy

from ..foundation.arrays import Array
from ..foundation.settings import floatx
from ..foundation.symbolic import SymbolicTensor
from ..foundation.tracing import bare
from ..foundation.variable import Variable
from .function import operation


@operation
def reshape(np: Any, x: Any, newshape: Any) -> Any:
    """`x` in another shape; one size may be -1."""
    return np.reshape(x, tuple(-1 if size is None else int(size) for size in _listed(newshape)))


@operation
def transpose(np: Any, x: Any, axes: Any = None) -> Any:
    """`x` with its axes in another order; None: the other way round."""
    return np.transpose(x, None if axes is None else tuple(axes))


@operation
def expand_dims(np: Any, x: Any, axis: Any) -> Any:
    """`x` with axes of size 1 at these places."""
    return np.expand_dims(x, axis)


@operation
def squeeze(np: Any, x: Any, axis: Any = None) -> Any:
    """`x` without axes of size 1."""
    return np.squeeze(x, axis)


@operation
def concatenate(np: Any, xs: Any, axis: int = 0) -> Any:
    """Arrays one after the other along an axis that they have."""
    return np.concatenate(list(xs), axis)


@operation
def stack(np: Any, x: Any, axis: int = 0) -> Any:
    """Arrays one after the other along a new axis."""
    return np.stack(list(x), axis)


@operation
def split(np: Any, x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """`x` in parts along an axis: a number of equal ones, or at these places."""
    return list(np.split(x, indices_or_sections, axis))


@operation
def unstack(np: Any, x: Any, num: int | None = None, axis: int = 0) -> Any:
    """`x` in parts of size 1 along an axis, without this axis."""
    size = x.shape[axis] if num is None else num
    return [np.squeeze(part, axis) for part in np.split(x, size, axis)]


@operation
def repeat(np: Any, x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Every entry so many times."""
    return np.repeat(x, repeats, axis)


@operation
def tile(np: Any, x: Any, repeats: Any) -> Any:
    """`x` so many times along every axis."""
    return np.tile(x, repeats)


@operation
def flip(np: Any, x: Any, axis: Any = None) -> Any:
    """Entries the other way round along axes; None: all."""
    axes = range(x.ndim) if axis is None else _listed(axis)
    backwards = [slice(None)] * x.ndim
    for one in axes:
        backwards[one] = slice(None, None, -1)
    return x[tuple(backwards)]


@operation
def roll(np: Any, x: Any, shift: Any, axis: Any = None) -> Any:
    """Entries moved along an axis; what leaves at the end comes in at the start."""
    return np.roll(x, shift, axis)


@operation
def pad(np: Any, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """`x` with more around it."""
    value = 0 if constant_values is None else constant_values
    return np.pad(x, pad_width, mode, constant_values=value) if mode == "constant" else np.pad(x, pad_width, mode)


@operation
def take(np: Any, x: Any, indices: Any, axis: int | None = None) -> Any:
    """Entries at these places."""
    places = numpy.asarray(bare(indices)).astype(numpy.int64)
    if axis is None:
        return np.reshape(x, (-1,))[places]
    return x[(slice(None),) * (axis % x.ndim) + (places,)]


@operation
def take_along_axis(np: Any, x: Any, indices: Any, axis: int | None = None) -> Any:
    """Entries at places of their own in every line along an axis."""
    places = numpy.asarray(bare(indices)).astype(numpy.int64)
    if axis is None:
        return np.reshape(x, (-1,))[places.reshape(-1)]
    grid = list(numpy.ogrid[tuple(slice(size) for size in places.shape)])
    grid[axis % places.ndim] = places
    return x[tuple(grid)]


@operation
def slice_update(np: Any, inputs: Any, start_indices: Any, updates: Any) -> Any:
    """`inputs` with a part replaced."""
    y = numpy.array(inputs)
    y[tuple(slice(int(a), int(a) + n) for a, n in zip(start_indices, updates.shape, strict=True))] = updates
    return y


@operation
def swapaxes(np: Any, x: Any, axis1: int, axis2: int) -> Any:
    """`x` with two axes in each other's place."""
    return np.swapaxes(x, axis1, axis2)


@operation
def moveaxis(np: Any, x: Any, source: Any, destination: Any) -> Any:
    """`x` with axes at other places."""
    return np.moveaxis(x, source, destination)


@operation
def broadcast_to(np: Any, x: Any, shape: Any) -> Any:
    """`x` stretched to a shape."""
    return np.broadcast_to(x, tuple(shape)) if np is numpy else x * numpy.ones(tuple(shape), bare(x).dtype)


@operation
def ravel(np: Any, x: Any) -> Any:
    """`x` with one axis."""
    return np.reshape(x, (-1,))


@operation
def diag(np: Any, x: Any, k: int = 0) -> Any:
    """Diagonal of a matrix, or matrix of a diagonal."""
    return np.diag(x, k)


@operation
def tril(np: Any, x: Any, k: int = 0) -> Any:
    """`x` with zeros above a diagonal."""
    return np.tril(x, k)


@operation
def triu(np: Any, x: Any, k: int = 0) -> Any:
    """`x` with zeros below a diagonal."""
    return np.triu(x, k)


@operation
def zeros_like(np: Any, x: Any, dtype: Any = None) -> Any:
    """Zeros in the shape of `x`."""
    return numpy.zeros_like(bare(x), dtype)


@operation
def ones_like(np: Any, x: Any, dtype: Any = None) -> Any:
    """Ones in the shape of `x`."""
    return numpy.ones_like(bare(x), dtype)


@operation
def full_like(np: Any, x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """One value in the shape of `x`."""
    return numpy.full_like(bare(x), fill_value, dtype)


@operation
def cast(np: Any, x: Any, dtype: Any) -> Any:
    """`x` in another dtype."""
    wanted = numpy.dtype(dtype)
    if np is numpy:
        return numpy.asarray(x).astype(wanted, copy=False)
    return x.astype(wanted) if wanted.kind == "f" else bare(x).astype(wanted)


@operation
def stop_gradient(np: Any, variable: Any) -> Any:
    """The value, without a gradient."""
    return bare(variable)


def zeros(shape: Any, dtype: Any = None) -> Array:
    """Zeros."""
    return numpy.zeros(shape, dtype or floatx())


def ones(shape: Any, dtype: Any = None) -> Array:
    """Ones."""
    return numpy.ones(shape, dtype or floatx())


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Array:
    """One value everywhere."""
    return numpy.full(shape, fill_value, dtype or (floatx() if isinstance(fill_value, float) else None))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Array:
    """Ones on a diagonal."""
    return numpy.eye(N, M, k, dtype or floatx())


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Array:
    """Numbers at equal distances."""
    given = [start] if stop is None else [start, stop]
    numbers = numpy.arange(*given, **({} if step is None else {"step": step}))
    return numbers.astype(dtype or (numpy.int32 if numbers.dtype.kind == "i" else floatx()))


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Array:
    """So many numbers at equal distances."""
    result: Array = numpy.linspace(start, stop, num, endpoint, axis=axis).astype(dtype or floatx())
    return result


def convert_to_tensor(x: Any, dtype: Any = None) -> Any:
    """`x` as something to compute with: an array, a symbolic tensor, or a box while a gradient is taken."""
    if isinstance(x, Variable):
        x = x.value
    if isinstance(x, SymbolicTensor) or bare(x) is not x:
        return x if dtype is None else cast(x, dtype)
    array = numpy.asarray(x, dtype)
    return (
        array.astype(floatx()) if dtype is None and array.dtype == numpy.float64 and not hasattr(x, "dtype") else array
    )


def convert_to_numpy(x: Any) -> Array:
    """`x` as an array of NumPy."""
    return numpy.asarray(bare(x.value if isinstance(x, Variable) else x))


def shape(x: Any) -> tuple[Any, ...]:
    """Sizes of the axes; None for one that is open."""
    return tuple(x.shape) if hasattr(x, "shape") else numpy.shape(x)


def ndim(x: Any) -> int:
    """Number of axes."""
    return len(shape(x))


def size(x: Any) -> Any:
    """Number of entries."""
    return numpy.prod(shape(x), dtype=int)


def is_tensor(x: Any) -> bool:
    """Whether `x` is something to compute with."""
    return isinstance(bare(x), numpy.ndarray | SymbolicTensor)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
