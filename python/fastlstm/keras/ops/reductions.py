"""Functions along axes."""

from typing import Any

import numpy

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.boxes import bare
from .function import operation


@operation
def sum(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum along axes; None: of all."""
    return _as_whole(np.sum(_array(np, x), axis=_axes(axis), keepdims=keepdims), x)


@operation
def mean(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Mean along axes; None: of all."""
    return np.mean(_array(np, x), axis=_axes(axis), keepdims=keepdims)


@operation
def average(np: Any, x: Any, axis: Any = None, weights: Any = None) -> Any:
    """Mean along axes, of entries with weights."""
    if weights is None:
        return np.mean(_array(np, x), axis=_axes(axis))
    if numpy.ndim(bare(weights)) == 1 < numpy.ndim(bare(x)):
        weights = np.reshape(weights, [-1 if k == axis % x.ndim else 1 for k in range(x.ndim)])
    return np.sum(x * weights, axis=_axes(axis)) / np.sum(weights + 0 * x, axis=_axes(axis))


@operation
def max(np: Any, x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Largest entry along axes; None: of all."""
    return np.max(_array(np, x), axis=_axes(axis), keepdims=keepdims, **_start(initial))


@operation
def min(np: Any, x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Smallest entry along axes; None: of all."""
    return np.min(_array(np, x), axis=_axes(axis), keepdims=keepdims, **_start(initial))


@operation
def ptp(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Largest less smallest entry along axes."""
    return np.max(x, axis=_axes(axis), keepdims=keepdims) - np.min(x, axis=_axes(axis), keepdims=keepdims)


@operation
def prod(np: Any, x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """Product along axes; None: of all."""
    y = _as_whole(numpy.prod(bare(_array(np, x)), axis=_axes(axis), keepdims=keepdims), x)
    if np is not numpy:  # what an entry is multiplied with, also where it is 0
        y = y + np.sum(_products_of_others(bare(x), axis) * (x - bare(x)), axis=_axes(axis), keepdims=keepdims)
    return y if dtype is None else y.astype(dtype)


def _products_of_others(x: Array, axis: Any) -> Array:
    """Product of the other entries along axes, for every entry."""
    along = range(x.ndim) if axis is None else [k % x.ndim for k in numpy.atleast_1d(axis)]
    last = numpy.moveaxis(x, list(along), range(-len(along), 0))
    lines = last.reshape(*last.shape[: x.ndim - len(along)], -1)
    ones = numpy.ones((*lines.shape[:-1], 1), x.dtype)
    before = numpy.cumprod(numpy.concatenate([ones, lines[..., :-1]], -1), -1)
    after = numpy.cumprod(numpy.concatenate([ones, lines[..., :0:-1]], -1), -1)[..., ::-1]
    return numpy.moveaxis((before * after).reshape(last.shape), range(-len(along), 0), list(along))


@operation
def var(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Variance along axes; None: of all."""
    return np.var(_array(np, x), axis=_axes(axis), keepdims=keepdims)


@operation
def std(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Standard deviation along axes; None: of all."""
    return np.std(_array(np, x), axis=_axes(axis), keepdims=keepdims)


@operation
def any(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether any entry is true."""
    return numpy.any(bare(x), axis=_axes(axis), keepdims=keepdims)


@operation
def all(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all entries are true."""
    return numpy.all(bare(x), axis=_axes(axis), keepdims=keepdims)


@operation
def argmax(np: Any, x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Place of the largest entry; of equal ones the first."""
    return numpy.argmax(bare(x), axis=axis, keepdims=keepdims).astype(numpy.int32)


@operation
def argmin(np: Any, x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Place of the smallest entry; of equal ones the first."""
    return numpy.argmin(bare(x), axis=axis, keepdims=keepdims).astype(numpy.int32)


@operation
def count_nonzero(np: Any, x: Any, axis: Any = None) -> Any:
    """How many entries are not 0."""
    return numpy.asarray(numpy.count_nonzero(bare(x), axis=_axes(axis))).astype(numpy.int32)


@operation
def cumsum(np: Any, x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Sums of the entries so far."""
    y = _as_whole(np.cumsum(_array(np, x), axis=axis), x)
    return y if dtype is None else y.astype(dtype)


@operation
def cumprod(np: Any, x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Products of the entries so far."""
    if np is numpy:
        y = _as_whole(np.cumprod(_array(np, x), axis=axis), x)
        return y if dtype is None else y.astype(dtype)
    x, axis = (np.reshape(x, (-1,)), 0) if axis is None else (x, axis % x.ndim)
    before = (slice(None),) * axis
    parts = [x[(*before, slice(0, 1))]]
    for k in range(1, x.shape[axis]):
        parts.append(parts[-1] * x[(*before, slice(k, k + 1))])
    return np.concatenate(parts, axis)


@operation
def logsumexp(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` that does not overflow."""
    top = numpy.max(bare(x), axis=_axes(axis), keepdims=True)
    top = numpy.where(numpy.isfinite(top), top, 0).astype(top.dtype)
    total = np.log(np.sum(np.exp(x - top), axis=_axes(axis), keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=_axes(axis))


@operation
def norm(np: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Length of vectors along an axis: of order 2, 1 or infinity."""
    if ord not in (None, 1, 2, "euclidean", numpy.inf) or (ord is not None and _is_pair(axis)):
        checks.refuse(ValueError, "ord", "1, 2, inf or None, for vectors along one axis", ord)
    if ord == 1:
        return np.sum(np.abs(x), axis=_axes(axis), keepdims=keepdims)
    if ord == numpy.inf:
        return np.max(np.abs(x), axis=_axes(axis), keepdims=keepdims)
    return np.sqrt(np.sum(np.square(x), axis=_axes(axis), keepdims=keepdims))


@operation
def median(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Middle entry along an axis, or the mean of the two in the middle."""
    return _quantile(np, x, 0.5, axis, keepdims)


@operation
def quantile(np: Any, x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Entry along an axis that a part `q` of the others is below, between two of them if need be."""
    checks.one_of("method", method, ("linear",))
    q = bare(q)
    if numpy.ndim(q) == 0:
        return _quantile(np, x, float(q), axis, keepdims)
    return np.stack([_quantile(np, x, float(one), axis, keepdims) for one in q], 0)


def _quantile(np: Any, x: Any, q: float, axis: Any, keepdims: bool) -> Any:
    if isinstance(_axes(axis), tuple):
        checks.refuse(ValueError, "axis", "one axis or None", axis)
    flat, along = (np.reshape(x, (-1,)), 0) if axis is None else (x, axis % x.ndim)
    rank = q * (flat.shape[along] - 1)
    low, high = int(numpy.floor(rank)), int(numpy.ceil(rank))
    order = numpy.argsort(bare(flat), axis=along, kind="stable")
    lower, upper = (entries_at(flat, numpy.take(order, [k], axis=along), along) for k in (low, high))
    y = lower + (upper - lower) * (rank - low)
    if keepdims:
        return np.reshape(y, (1,) * x.ndim) if axis is None else y
    return np.squeeze(y, along)


def entries_at(x: Any, places: Any, axis: int) -> Any:
    """Entries at places of their own in every line along an axis."""
    grid = list(numpy.ogrid[tuple(slice(size) for size in places.shape)])
    grid[axis % places.ndim] = places
    return x[tuple(grid)]


def _array(np: Any, x: Any) -> Any:
    return numpy.asarray(x) if np is numpy else np.array(x) if isinstance(x, list | tuple) else x


def _as_whole(y: Any, x: Any) -> Any:
    """Return sums or products of whole numbers in the dtype of these, where NumPy widens it; truths count as int32."""
    given = getattr(x, "dtype", None)
    if given is None or given.kind not in "biu" or given.itemsize == 8:
        return y
    return y.astype(given if given.itemsize == 4 else numpy.int32)


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _is_pair(axis: Any) -> bool:
    return isinstance(axis, list | tuple) and len(axis) > 1


def _start(initial: Any) -> dict[str, Any]:
    return {} if initial is None else {"initial": initial}
