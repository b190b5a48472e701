"""Functions along axes."""

from typing import Any

import numpy

from .function import operation
from .shapes import take_along_axis


@operation
def sum(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum along axes; None: of all."""
    return np.sum(np.asarray(x) if np is numpy else x, axis=_axes(axis), keepdims=keepdims)


@operation
def mean(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Mean along axes; None: of all."""
    return np.mean(np.asarray(x) if np is numpy else x, axis=_axes(axis), keepdims=keepdims)


@operation
def max(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Largest entry along axes; None: of all."""
    return np.max(np.asarray(x) if np is numpy else x, axis=_axes(axis), keepdims=keepdims)


@operation
def min(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Smallest entry along axes; None: of all."""
    return np.min(np.asarray(x) if np is numpy else x, axis=_axes(axis), keepdims=keepdims)


@operation
def prod(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Product along axes; None: of all."""
    return np.prod(np.asarray(x) if np is numpy else x, axis=_axes(axis), keepdims=keepdims)


@operation
def var(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Variance along axes; None: of all."""
    return np.var(np.asarray(x) if np is numpy else x, axis=_axes(axis), keepdims=keepdims)


@operation
def std(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Standard deviation along axes; None: of all."""
    return np.std(np.asarray(x) if np is numpy else x, axis=_axes(axis), keepdims=keepdims)


@operation
def any(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether any entry is true."""
    return numpy.any(x, axis=_axes(axis), keepdims=keepdims)


@operation
def all(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all entries are true."""
    return numpy.all(x, axis=_axes(axis), keepdims=keepdims)


@operation
def argmax(np: Any, x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Place of the largest entry; of equal ones the first."""
    return numpy.argmax(_bare(x), axis=axis, keepdims=keepdims).astype(numpy.int32)


@operation
def argmin(np: Any, x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Place of the smallest entry; of equal ones the first."""
    return numpy.argmin(_bare(x), axis=axis, keepdims=keepdims).astype(numpy.int32)


@operation
def argsort(np: Any, x: Any, axis: int = -1) -> Any:
    """Places of the entries in rising order."""
    return numpy.argsort(_bare(x), axis=axis, kind="stable").astype(numpy.int32)


@operation
def sort(np: Any, x: Any, axis: int = -1) -> Any:
    """Entries in rising order."""
    return take_along_axis(x, numpy.argsort(_bare(x), axis=axis, kind="stable"), axis)


@operation
def cumsum(np: Any, x: Any, axis: int | None = None) -> Any:
    """Sums of the entries so far."""
    return np.cumsum(x, axis=axis)


@operation
def cumprod(np: Any, x: Any, axis: int | None = None) -> Any:
    """Products of the entries so far."""
    return numpy.cumprod(x, axis=axis)


@operation
def logsumexp(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` that does not overflow."""
    top = np.max(x, axis=_axes(axis), keepdims=True)
    total = np.log(np.sum(np.exp(x - top), axis=_axes(axis), keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=_axes(axis))


@operation
def norm(np: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Length of vectors along an axis: of order 2, 1 or infinity."""
    if ord not in (None, 1, 2, "euclidean", numpy.inf):
        raise ValueError(f"ord must be 1, 2, inf or None, got {ord!r}")
    if ord == 1:
        return np.sum(np.abs(x), axis=_axes(axis), keepdims=keepdims)
    if ord == numpy.inf:
        return np.max(np.abs(x), axis=_axes(axis), keepdims=keepdims)
    return np.sqrt(np.sum(np.square(x), axis=_axes(axis), keepdims=keepdims))


@operation
def count_nonzero(np: Any, x: Any, axis: Any = None) -> Any:
    """How many entries are not 0."""
    return numpy.count_nonzero(_bare(x), axis=_axes(axis))


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _bare(x: Any) -> Any:
    return getattr(x, "_value", x)
