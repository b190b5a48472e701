"""Functions that put entries elsewhere, all of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.boxes import bare
from .function import operation


@operation
def reshape(np: Any, x: Any, newshape: Any) -> Any:
    """`x` in another shape; one size may be -1."""
    return np.reshape(x, tuple(-1 if size is None else int(size) for size in listed(newshape)))


@operation
def ravel(np: Any, x: Any) -> Any:
    """`x` with one axis."""
    return np.reshape(x, (-1,))


@operation
def transpose(np: Any, x: Any, axes: Any = None) -> Any:
    """`x` with its axes in another order; None: the other way round."""
    return np.transpose(x, None if axes is None else tuple(axes))


@operation
def swapaxes(np: Any, x: Any, axis1: int, axis2: int) -> Any:
    """`x` with two axes in each other's place."""
    return np.swapaxes(x, axis1, axis2)


@operation
def moveaxis(np: Any, x: Any, source: Any, destination: Any) -> Any:
    """`x` with axes at other places."""
    return np.moveaxis(x, source, destination)


@operation
def expand_dims(np: Any, x: Any, axis: Any) -> Any:
    """`x` with axes of size 1 at these places."""
    return np.expand_dims(x, tuple(axis) if isinstance(axis, list) else axis)


@operation
def squeeze(np: Any, x: Any, axis: Any = None) -> Any:
    """`x` without axes of size 1."""
    return np.squeeze(x, tuple(axis) if isinstance(axis, list) else axis)


@operation
def concatenate(np: Any, xs: Any, axis: int = 0) -> Any:
    """Arrays one after the other along an axis that they have."""
    return np.concatenate(list(xs), axis)


@operation
def append(np: Any, x1: Any, x2: Any, axis: int | None = None) -> Any:
    """`x1` and then `x2` along an axis; None: their entries."""
    parts = [np.reshape(part, (-1,)) for part in (x1, x2)] if axis is None else [x1, x2]
    return np.concatenate(parts, axis or 0)


@operation
def hstack(np: Any, xs: Any) -> Any:
    """Arrays side by side, along the second axis."""
    return np.concatenate(list(xs), 0 if numpy.ndim(bare(xs[0])) < 2 else 1)


@operation
def vstack(np: Any, xs: Any) -> Any:
    """Arrays below each other, along the first axis."""
    return np.concatenate([np.reshape(x, (1, -1)) if numpy.ndim(bare(x)) < 2 else x for x in xs], 0)


@operation
def stack(np: Any, x: Any, axis: int = 0) -> Any:
    """Arrays one after the other along a new axis."""
    return np.stack(list(x), axis)


@operation
def split(np: Any, x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """`x` in parts along an axis: a number of equal ones, or at these places."""
    sections, size = indices_or_sections, x.shape[axis]
    if isinstance(sections, int | numpy.integer):
        if size % sections:
            must = f"divide the size {size} of axis {axis}"
            checks.complain(ValueError, "indices_or_sections", must, sections)
        sections = range(size // sections, size, size // sections) if size else [0] * (sections - 1)
    return _cut(x, sections, axis)


@operation
def array_split(np: Any, x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """`x` in parts along an axis, of nearly equal sizes."""
    bounds = numpy.cumsum([len(part) for part in numpy.array_split(range(x.shape[axis]), indices_or_sections)])
    return _cut(x, [int(bound) for bound in bounds[:-1]], axis)


def _cut(x: Any, places: Sequence[int], axis: int) -> list[Any]:
    before = (slice(None),) * (axis % x.ndim)
    bounds = [None, *places, None]
    return [x[(*before, slice(a, b))] for a, b in pairwise(bounds)]


@operation
def unstack(np: Any, x: Any, num: int | None = None, axis: int = 0) -> Any:
    """`x` in parts of size 1 along an axis, without this axis."""
    before = (slice(None),) * (axis % x.ndim)
    return [x[(*before, k)] for k in range(x.shape[axis] if num is None else num)]


@operation
def repeat(np: Any, x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Every entry so many times."""
    if np is numpy:
        return np.repeat(x, repeats, axis)
    x, axis = (np.reshape(x, (-1,)), 0) if axis is None else (x, axis % x.ndim)
    return x[(*(slice(None),) * axis, numpy.repeat(numpy.arange(x.shape[axis]), repeats))]


@operation
def tile(np: Any, x: Any, repeats: Any) -> Any:
    """`x` so many times along every axis."""
    return np.tile(x, tuple(repeats) if isinstance(repeats, list) else repeats)


@operation
def flip(np: Any, x: Any, axis: Any = None) -> Any:
    """Entries the other way round along axes; None: all."""
    backwards = [slice(None)] * x.ndim
    for one in range(x.ndim) if axis is None else listed(axis):
        backwards[one] = slice(None, None, -1)
    return x[tuple(backwards)]


@operation
def rot90(np: Any, array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """`array` turned by a quarter `k` times, in the plane of two axes."""
    for _ in range(k % 4):
        backwards = [slice(None)] * array.ndim
        backwards[axes[1]] = slice(None, None, -1)
        array = np.swapaxes(array[tuple(backwards)], *axes)
    return array


@operation
def roll(np: Any, x: Any, shift: Any, axis: Any = None) -> Any:
    """Entries moved along an axis; what leaves at the end comes in at the start."""
    if np is numpy or not isinstance(axis, list | tuple):
        return np.roll(x, shift, axis)
    for by, along in zip(listed(shift) * (1 if len(listed(shift)) > 1 else len(axis)), axis, strict=True):
        x = np.roll(x, by, along)
    return x


@operation
def pad(np: Any, x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """`x` with more around it."""
    if mode == "constant":
        return np.pad(x, pad_width, mode, constant_values=0 if constant_values is None else constant_values)
    if np is numpy:
        return np.pad(x, pad_width, mode)
    for axis, widths in enumerate(numpy.broadcast_to(pad_width, (x.ndim, 2))):
        around: Any = numpy.pad
        x = x[(*(slice(None),) * axis, around(numpy.arange(x.shape[axis]), tuple(widths), mode))]
    return x


@operation
def broadcast_to(np: Any, x: Any, shape: Any) -> Any:
    """`x` stretched to a shape."""
    return np.broadcast_to(x, tuple(shape)) if np is numpy else x * numpy.ones(tuple(shape), x.dtype)


@operation
def meshgrid(np: Any, *x: Any, indexing: str = "xy") -> Any:
    """The vectors `x` stretched to the grid between them."""
    if np is numpy:
        return list(np.meshgrid(*x, indexing=indexing))
    order = [1, 0, *range(2, len(x))] if indexing == "xy" and len(x) > 1 else list(range(len(x)))
    sizes = [x[k].shape[0] for k in order]
    places = numpy.indices(sizes)
    return [np.reshape(part[places[order.index(k)]], sizes) for k, part in enumerate(x)]


@operation
def diag(np: Any, x: Any, k: int = 0) -> Any:
    """Diagonal of a matrix, or matrix of a diagonal."""
    return np.diag(x, k)


@operation
def diagonal(np: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Diagonals of the matrices in two axes."""
    if np is numpy:
        return np.diagonal(x, offset, axis1, axis2)
    x = np.moveaxis(x, (axis1, axis2), (-2, -1))
    count = numpy.diagonal(numpy.zeros(x.shape[-2:]), offset).shape[0]
    steps = numpy.arange(count)
    return x[(..., steps + max(-offset, 0), steps + max(offset, 0))]


@operation
def trace(np: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sums of the diagonals of the matrices in two axes."""
    return np.sum(diagonal(x, offset, axis1, axis2), axis=-1)


@operation
def tril(np: Any, x: Any, k: int = 0) -> Any:
    """`x` with zeros above a diagonal."""
    return np.where(_lower(x, k), x, numpy.zeros((), x.dtype))


@operation
def triu(np: Any, x: Any, k: int = 0) -> Any:
    """`x` with zeros below a diagonal."""
    return np.where(_lower(x, k - 1), numpy.zeros((), x.dtype), x)


def _lower(x: Any, k: int) -> Array:
    rows, columns = x.shape[-2:]
    return numpy.tri(rows, columns, k, dtype=numpy.bool_)


def listed(value: Any) -> list[Any]:
    """`value` as a list, of itself if it is none."""
    return list(value) if isinstance(value, list | tuple) else [value]
