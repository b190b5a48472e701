"""What is known of elements before they are there: shapes and dtypes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, Shape, as_shape
from ..foundation.tensors import dtype_of, tensor
from ..foundation.texts import TEXT, dtype_name, tensor_dtype
from .structures import nested

if TYPE_CHECKING:
    from typing_extensions import Self


class TensorShape(tuple[int | None, ...]):
    """A shape: a tuple of sizes, None for those that are open.

    Raises
    ------
    ValueError
        If a size is out of range.
    TypeError
        If a size is no whole number.

    Examples
    --------
    >>> import fastlstm.tensorflow as tf
    >>> tf.TensorShape([None, 3]).num_elements() is None
    True
    """

    def __new__(cls, dims: Iterable[int | None]) -> Self:
        """Return the shape of the sizes `dims`."""
        return super().__new__(cls, as_shape(tuple(checks.items("dims", dims, "sizes")), "dims"))

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self)

    ndims = rank

    def as_list(self) -> list[int | None]:
        """Return the sizes in a list."""
        return list(self)

    def num_elements(self) -> int | None:
        """Return the number of entries; None if it is open."""
        known = [size for size in self if size is not None]
        return math.prod(known) if len(known) == len(self) else None

    def is_compatible_with(self, other: Iterable[int | None]) -> bool:
        """Whether an array may have this shape and the `other`."""
        sizes = tuple(other)
        if len(sizes) != len(self):
            return False
        return all(None in pair or pair[0] == pair[1] for pair in zip(self, sizes, strict=True))

    def is_fully_defined(self) -> bool:
        """Whether all sizes are known."""
        return None not in self


@dataclass(frozen=True, repr=False, init=False)
class TensorSpec:
    """Shape and dtype of a tensor.

    Parameters
    ----------
    shape : iterable of int, optional
        Sizes of the axes, None for those that are open; None: any number of axes.
    dtype : dtype or DTypePolicy, optional
        Of the entries, ``"string"`` for texts.
    name : str, optional
        Of the tensor.

    Raises
    ------
    ValueError
        If a size is out of range.
    TypeError
        If a size is no whole number, or `dtype` is none.

    Examples
    --------
    >>> import fastlstm.tensorflow as tf
    >>> tf.TensorSpec((None, 3), "float32").shape
    (None, 3)
    """

    shape: TensorShape | None
    dtype: np.dtype[Any]
    name: str | None

    def __init__(self, shape: Iterable[int | None] | None, dtype: Any = "float32", name: str | None = None) -> None:
        object.__setattr__(self, "shape", None if shape is None else TensorShape(shape))
        object.__setattr__(self, "dtype", tensor_dtype("dtype", dtype))
        object.__setattr__(self, "name", name)

    def __repr__(self) -> str:
        shape = None if self.shape is None else tuple(self.shape)
        return f"TensorSpec(shape={shape}, dtype={dtype_name(self.dtype)!r}, name={self.name!r})"

    def is_compatible_with(self, value: Any) -> bool:
        """Whether a tensor, or one of another spec, may be one of this spec."""
        other = value if isinstance(value, TensorSpec) else spec_of(tensor(value))
        return bool(self.dtype == other.dtype and self._fits(other.shape))

    def _fits(self, shape: Iterable[int | None] | None) -> bool:
        return self.shape is None or shape is None or self.shape.is_compatible_with(shape)

    def taken(self, value: Any, name: str) -> Array:
        """`value` as a tensor of this spec; its numbers may be of another size, and whole ones become floats."""
        given = tensor(value, name)
        dtype = dtype_of(given)
        if dtype != self.dtype and (TEXT in (dtype, self.dtype) or not np.can_cast(dtype, self.dtype, "same_kind")):
            checks.refuse_dtype(name, dtype_name(self.dtype), dtype_name(dtype))
        if not self._fits(given.shape):
            checks.refuse_shape(name, self.shape, given.shape)
        return given if self.dtype == TEXT else given.astype(self.dtype, copy=False)


@dataclass(frozen=True)
class DatasetSpec:
    """What is known of a data set that is an element of another.

    Parameters
    ----------
    element_spec : nested structure
        Of its elements.

    Examples
    --------
    >>> import fastlstm.tensorflow as tf
    >>> windows = tf.data.Dataset.range(6).window(3)
    >>> type(windows.element_spec).__name__
    'DatasetSpec'
    """

    element_spec: Any


def spec_of(leaf: Any) -> Any:
    """Return what there is to know of a tensor, or of a data set; None for none."""
    if leaf is None:
        return None
    return DatasetSpec(leaf.element_spec) if hasattr(leaf, "element_spec") else TensorSpec(leaf.shape, dtype_of(leaf))


def with_batch_axis(spec: Any, size: int | None) -> Any:
    """Return the specs of batches of such elements."""
    return nested(lambda leaf: _reshaped(leaf, lambda shape: (size, *shape)), spec)


def without_batch_axis(spec: Any) -> Any:
    """Return the specs of the rows of such elements."""
    return nested(lambda leaf: _reshaped(leaf, lambda shape: shape[1:]), spec)


def _reshaped(spec: Any, change: Callable[[TensorShape], Shape]) -> Any:
    if not isinstance(spec, TensorSpec):
        return spec
    return TensorSpec(None if spec.shape is None else change(spec.shape), spec.dtype)


def common(one: Any, other: Any) -> Any:
    """Return the specs that fit elements of both: sizes that differ are open."""
    return nested(_common, one, other, name="the elements")


def _common(one: Any, other: Any) -> Any:
    if not (isinstance(one, TensorSpec) and isinstance(other, TensorSpec)):
        return one
    if one.dtype != other.dtype:
        checks.complain(TypeError, "the elements", f"be like {one}", other)
    if one.shape is None or other.shape is None or len(one.shape) != len(other.shape):
        return TensorSpec(None, one.dtype)
    return TensorSpec([a if a == b else None for a, b in zip(one.shape, other.shape, strict=True)], one.dtype)
