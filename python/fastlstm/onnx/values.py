"""What inputs and outputs of a graph must be, and arrays that are held to it."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks

Array: TypeAlias = NDArray[Any]

DTYPES: dict[int, np.dtype[Any]] = {
    number: np.dtype(name)
    for number, name in {
        **{1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool"},
        **{10: "float16", 11: "float64", 12: "uint32", 13: "uint64"},
    }.items()
}
"""By their numbers in the format."""

NUMBERS = {dtype: number for number, dtype in DTYPES.items()}


class ValueInfo(NamedTuple):
    """An input or output of a graph.

    Parameters
    ----------
    name : str
        Its name.
    shape : tuple of int, str or None, or None
        Of each axis the length, the name of it where that may vary, or None. None: nothing is said of the shape.
    dtype : dtype
        Of its numbers.
    """

    name: str
    shape: tuple[int | str | None, ...] | None
    dtype: np.dtype[Any]

    @property
    def shown_shape(self) -> str:
        """The shape as an error shows it."""
        axes = ["?" if axis is None else str(axis) for axis in self.shape or ()]
        return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"


class Input:
    """An input, as every call holds an array to it.

    Parameters
    ----------
    info : ValueInfo
        What is said of it.
    """

    def __init__(self, info: ValueInfo) -> None:
        self._info, self._dtype = info, info.dtype
        self._rank = None if info.shape is None else len(info.shape)
        known = [axis for axis, length in enumerate(info.shape or ()) if isinstance(length, int)]
        self._lengths_of = itemgetter(*known) if known else len  # which is then the same for all
        self._lengths = self._lengths_of(info.shape or ())

    def taken(self, value: Any) -> Array:
        """Return a `value` of this input as an array, or the error about it."""
        if type(value) is np.ndarray and value.dtype == self._dtype and self._holds(value.shape):
            return value  # as nearly always
        name, dtype = self._info.name, self._dtype
        if not isinstance(value, np.ndarray):
            checks.complain(TypeError, name, f"be a NumPy array of {dtype}", type(value).__name__)
        if value.dtype != dtype:
            if value.dtype.newbyteorder("=") != dtype:
                checks.refuse_dtype(name, dtype, value.dtype, f": use {name}.astype('{dtype}')")
            value = value.astype(dtype)
        if not self._holds(value.shape):
            checks.refuse_shape(name, self._info.shown_shape, value.shape)
        return np.asarray(value)

    def _holds(self, shape: tuple[int, ...]) -> bool:
        return self._rank is None or (len(shape) == self._rank and self._lengths_of(shape) == self._lengths)


def value_info(proto: Any, owner: str) -> ValueInfo:
    """Read the description of an input or output."""
    name, described = proto.name, proto.type
    kind = described.WhichOneof("value")
    if kind != "tensor_type":
        checks.complain(ValueError, f"{owner}: {name}", "be a tensor", f"a {kind or 'value of no type'}")
    tensor = described.tensor_type
    dtype = dtype_of(tensor.elem_type, f"{owner}: {name}")
    shape = tuple([_axis(axis, owner) for axis in tensor.shape.dim[:]]) if tensor.HasField("shape") else None
    return ValueInfo(name, shape, dtype)


def _axis(proto: Any, owner: str) -> int | str | None:
    kind = proto.WhichOneof("value")
    if kind != "dim_value":
        return str(proto.dim_param) or None if kind else None
    length = proto.dim_value
    return None if length == -1 else checks.whole_number(f"{owner}: dim_value", length, at_least=0)


def dtype_of(number: int, owner: str) -> np.dtype[Any]:
    """Return the dtype of a number of the format."""
    if number not in DTYPES:
        wanted = ", ".join(str(dtype) for dtype in DTYPES.values())
        checks.complain(ValueError, owner, f"be of {wanted}", f"the element type {number}")
    return DTYPES[number]
