"""Parts of arrays, taken out and put in."""

from typing import Any

import numpy

from fastlstm import checks

from ..foundation.boxes import bare
from ..foundation.symbolic import OPERATORS
from ..foundation.trees import mapped
from .function import operation
from .reductions import entries_at


@operation(kind="GetItem")
def get_item(np: Any, x: Any, key: Any) -> Any:
    """``x[key]``; a list is taken for a tuple, as configs have only those."""
    return x[mapped(bare, tuple(key) if isinstance(key, list) else key)]


@operation
def take(np: Any, x: Any, indices: Any, axis: int | None = None) -> Any:
    """Entries at these places."""
    places = checks.whole_numbers("indices", bare(indices))
    if axis is None:
        return np.reshape(x, (-1,))[places]
    return x[(*(numpy.s_[:],) * (axis % x.ndim), places)]


@operation
def take_along_axis(np: Any, x: Any, indices: Any, axis: int | None = None) -> Any:
    """Entries at places of their own in every line along an axis."""
    places = checks.whole_numbers("indices", bare(indices))
    if axis is None:
        return np.reshape(x, (-1,))[places.reshape(-1)]
    return entries_at(x, places, axis)


@operation
def slice(np: Any, inputs: Any, start_indices: Any, shape: Any) -> Any:
    """A part of a shape that starts at these indices; a size of -1: up to the end."""
    if len(shape) != inputs.ndim:
        checks.complain(ValueError, "shape", f"have a size for each of the {inputs.ndim} axes", checks.shown(shape))
    return inputs[_range(start_indices, shape)]


@operation
def slice_update(np: Any, inputs: Any, start_indices: Any, updates: Any) -> Any:
    """`inputs` with the part that starts at these indices replaced."""
    return _with(np, inputs, _range(start_indices, updates.shape), updates, None)


@operation
def scatter(np: Any, indices: Any, values: Any, shape: Any) -> Any:
    """Zeros of a shape, with `values` added at the places that the rows of `indices` say."""
    return _with(np, numpy.zeros(tuple(shape), bare(values).dtype), _places(indices), values, "add")


@operation
def scatter_update(np: Any, inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """`inputs` with `updates` at the places that the rows of `indices` say, or added there."""
    checks.one_of("reduction", reduction, (None, "add"))
    return _with(np, inputs, _places(indices), updates, reduction)


def _range(starts: Any, shape: Any) -> tuple[Any, ...]:
    ends = [None if n == -1 else int(a) + int(n) for a, n in zip(starts, shape, strict=True)]
    return tuple(numpy.s_[int(a) : b] for a, b in zip(starts, ends, strict=True))


def _places(indices: Any) -> tuple[Any, ...]:
    return tuple(numpy.moveaxis(checks.whole_numbers("indices", bare(indices)), -1, 0))


def _with(np: Any, inputs: Any, places: tuple[Any, ...], updates: Any, reduction: str | None) -> Any:
    """`inputs` with `updates` at these places: which entry comes from where is found by numbers."""
    if np is numpy:
        y = numpy.array(inputs)
        if reduction is None:
            y[places] = updates
        else:
            numpy.add.at(y, places, updates)
        return y
    if reduction is not None:
        return inputs + _added(np, bare(inputs).shape, places, updates)
    shape = numpy.shape(bare(inputs))
    count = int(numpy.prod(shape, dtype=int))
    source = numpy.arange(count).reshape(shape)
    source[places] = count + numpy.arange(numpy.size(bare(updates))).reshape(numpy.shape(bare(updates)))
    both = np.concatenate([np.reshape(inputs, (-1,)), np.reshape(updates, (-1,))])
    return np.reshape(both[source.reshape(-1)], shape)


def _added(np: Any, shape: tuple[int, ...], places: tuple[Any, ...], updates: Any) -> Any:
    """Sums of the `updates` that come to each place of a `shape`, as one product with zeros and ones."""
    count = int(numpy.prod(shape, dtype=int))
    flat = numpy.arange(count).reshape(shape)[places]
    hot = (numpy.arange(count)[:, None] == flat.reshape(-1)).astype(bare(updates).dtype)
    return np.reshape(np.dot(hot, np.reshape(updates, (-1,))), shape)


@operation
def nonzero(np: Any, x: Any) -> Any:
    """Places of the entries that are not 0: one array for each axis."""
    return [places.astype(numpy.int32) for places in numpy.nonzero(bare(x))]


@operation
def diff(np: Any, a: Any, n: int = 1, axis: int = -1) -> Any:
    """Differences of entries that follow each other, `n` times."""
    before = (numpy.s_[:],) * (axis % a.ndim)
    for _ in range(n):
        a = a[(*before, numpy.s_[1:])] - a[(*before, numpy.s_[:-1])]
    return a


OPERATORS["getitem"] = get_item
