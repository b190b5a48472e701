"""Arrays in other dtypes, and what is known of them."""

from typing import Any

import numpy

from ..foundation.arrays import Array
from ..foundation.boxes import bare, is_box, value_of
from ..foundation.settings import floatx
from ..foundation.symbolic import SymbolicTensor
from ..foundation.trees import leaves, mapped
from .function import operation


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
    return mapped(bare, variable)


@operation
def convert_to_tensor(np: Any, x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Any:
    """`x` as something to compute with: an array, a symbolic tensor, or a box while a gradient is taken.

    Python's numbers become int32 or the default dtype, others stay what they are.
    """
    if is_box(x):
        return x if dtype is None else cast(x, dtype)
    if any(is_box(leaf) for leaf in leaves(x)):
        from .shapes import stack

        return convert_to_tensor(stack([convert_to_tensor(part) for part in x]), dtype)
    array = numpy.asarray(x)
    if dtype is None and not any(hasattr(leaf, "dtype") for leaf in leaves(x)):
        dtype = {"i": "int32", "f": floatx()}.get(array.dtype.kind)
    return array if dtype is None else array.astype(dtype, copy=False)


array = convert_to_tensor


@operation
def copy(np: Any, x: Any) -> Any:
    """A copy."""
    return numpy.array(x) if np is numpy else x * 1


def convert_to_numpy(x: Any) -> Array:
    """`x` as an array of NumPy."""
    return numpy.asarray(bare(value_of(x)))


def shape(x: Any) -> tuple[Any, ...]:
    """Sizes of the axes; None for one that is open."""
    return tuple(x.shape) if hasattr(x, "shape") else numpy.shape(x)


def ndim(x: Any) -> int:
    """Number of axes."""
    return len(shape(x))


def size(x: Any) -> Any:
    """Number of entries; None if it is open."""
    sizes = shape(x)
    return None if None in sizes else int(numpy.prod(sizes, dtype=int))


def dtype(x: Any) -> str:
    """Name of the dtype."""
    return str(numpy.dtype(x.dtype) if hasattr(x, "dtype") else convert_to_tensor(x).dtype)


def is_tensor(x: Any) -> bool:
    """Whether `x` is something to compute with."""
    return isinstance(bare(x), numpy.ndarray | SymbolicTensor)
