"""Array types, and the one rule by which the Keras surface takes what users pass as arrays."""

import math
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks
from fastlstm.precisions import is_bfloat16

from .settings import floatx

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int | None, ...]

POLICIES = ("DTypePolicy", "FloatDTypePolicy", "Policy")
"""What Keras has called what says the dtype of a layer."""


def float_dtype(dtype: Any, name: str = "dtype") -> np.dtype[Any]:
    """Return the layer dtype asked for: that of `settings.floatx` unless said otherwise; it may be described."""
    if isinstance(dtype, dict):
        dtype = policy_name(dtype, name)
    return checks.float_dtype(name, floatx() if dtype is None else dtype)


REAL = "fiub"
"""Kinds of the dtypes of real numbers, booleans among them."""


def real_dtype(name: str, value: Any) -> np.dtype[Any]:
    """`value` as the dtype of real numbers that it names."""
    found = checks.any_dtype(name, value)
    if found.kind not in REAL:
        checks.refuse(TypeError, name, "a dtype of real numbers such as 'float32'", value)
    return found


def policy_name(described: dict[str, Any], name: str) -> Any:
    """Return the dtype of Keras' description of a policy."""
    config = described.get("config")
    if described.get("class_name") not in POLICIES or not isinstance(config, dict):
        checks.refuse(ValueError, name, "a dtype, or the description of a DTypePolicy", described)
    return config.get("name")


def as_shape(shape: Any, name: str, wanted: str = "a tuple of sizes", largest: int = checks.LARGEST_SIZE) -> Shape:
    """`shape` as a tuple of ints and, for free axes, None."""
    if type(shape) is tuple and all([size is None or (type(size) is int and 0 <= size <= largest) for size in shape]):
        return shape  # as that of every batch is
    if not isinstance(shape, list | tuple):
        checks.refuse(TypeError, name, wanted, shape)
    return tuple(
        None if size is None else checks.whole_number(f"{name}: each size", size, at_least=0, at_most=largest)
        for size in shape
    )


def as_batch_shape(shape: Any, name: str) -> Shape:
    """`shape` as that of a batch: its first axis is that of the rows."""
    sizes = as_shape(shape, name)
    if not sizes:
        checks.refuse(ValueError, name, "a tuple of sizes, the first that of the batch", shape)
    return sizes


def as_axes(axis: Any, name: str) -> Any:
    """`axis` as an int, or as a list of one or more."""
    if not isinstance(axis, list | tuple):
        return checks.whole_number(name, axis)
    if not axis:
        checks.refuse(ValueError, name, "one axis or more", axis)
    return [checks.whole_number(name, one) for one in axis]


def weight_shape(shape: Any, name: str) -> tuple[int, ...]:
    """`shape` as one whose sizes are all known."""
    sizes = as_shape(shape, name, largest=checks.LARGEST_AXIS)  # which gates side by side may come near
    known = tuple(size for size in sizes if size is not None)
    if len(known) < len(sizes):
        checks.refuse(ValueError, name, "a tuple of sizes that are all known", shape)
    return known


def memory_for(shape: tuple[int, ...], name: str, dtype: np.dtype[Any]) -> AbstractContextManager[None]:
    """Find out whether there is room for an array; see `checks.memory`."""
    return checks.memory(name, shape, math.prod(shape) * dtype.itemsize)


def as_array(value: Any, name: str, dtype: np.dtype[Any], wanted: str = "an array of numbers") -> Array:
    """`value` as an aligned native array of `dtype`, without a copy where it is one already.

    Booleans, integers and floats of any width and byte order are cast, as Keras does; a masked array gives its data.
    Anything else (complex, text, objects, ragged lists, None) raises TypeError.
    """
    array = value if type(value) is np.ndarray and value.dtype == dtype else any_numbers(value, name, wanted)
    return array if array.dtype == dtype and array.flags.aligned else np.require(array, dtype=dtype, requirements="A")


def any_numbers(value: Any, name: str, wanted: str = "an array of numbers") -> Array:
    """`value` as an array of whatever real number type it has, or TypeError; bfloat16 becomes float32."""
    array = value if type(value) is np.ndarray else checks.array(name, value, wanted)
    if is_bfloat16(array):
        return array.astype(np.float32)
    if array.dtype.kind not in REAL:
        found = checks.shown(value) if array.ndim == 0 else f"dtype {array.dtype}"
        checks.complain(TypeError, name, f"be {wanted}", found, "; convert it to float32 or float64 first")
    return array


def as_mask(mask: Any, name: str, shape: tuple[int, ...], ndim: int | None = None) -> Array:
    """`mask` as booleans for the first axes of an array of `shape`; numbers other than zero count as True."""
    array = any_numbers(mask, name, "an array of booleans, True for what is there")
    wanted = shape[:ndim] if ndim else shape[: max(1, array.ndim)]
    if array.shape != wanted:
        checks.refuse_shape(name, f"{wanted}, that of the first axes of x", array.shape)
    return array if array.dtype == np.bool_ else array != 0


def shape_text(shape: Shape) -> str:
    """Return a shape as users write it, with None for a free axis."""
    return str(tuple(shape))


def sum_of_rows(values: Array) -> Array:
    """Add up the rows of a matrix; many of them as a product with ones, which rounds less often than a chain."""
    if len(values) <= 128:
        few: Array = np.add.reduce(values, axis=0)
        return few
    many: Array = np.ones(len(values), values.dtype) @ values
    return many
