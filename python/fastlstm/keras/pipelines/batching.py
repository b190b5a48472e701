"""Batches of elements, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, as_shape
from ..foundation.eager import EagerArray
from ..foundation.tensors import dtype_of, tensor
from ..foundation.texts import TEXT
from .specs import TensorSpec
from .structures import leaves_of, nested

Join = Callable[[Sequence[Any]], Any]
"""Makes one element of several."""


def batches(elements: Iterator[Any], size: int, drop_remainder: bool, join: Join) -> Iterator[Any]:
    """Give batches of so many elements, the last one of fewer."""
    while group := list(islice(elements, size)):
        if len(group) == size or not drop_remainder:
            yield join(group)


def stacked(group: Sequence[Any]) -> Any:
    """Return elements of one form and shape as one, with an axis before the others."""
    return nested(_stacked, *group, name="elements of a batch")


def _stacked(*parts: Any) -> Any:
    first = parts[0]
    if first is None:
        return None
    if not isinstance(first, np.ndarray):
        cure = "; flat_map(lambda window: window.batch(size)) makes tensors of data sets"
        checks.complain(TypeError, "elements of a batch", "be tensors", type(first).__name__, cure)
    for part in parts:
        if part.shape != first.shape:
            cure = "; padded_batch() fills them up"
            checks.refuse_shape("elements of a batch", f"{first.shape}, that of the first", part.shape, cure)
    return np.stack(parts).view(EagerArray)


def rows_of(element: Any) -> Iterator[Any]:
    """Give the elements that a batch was made of."""
    counts = {len(leaf) if leaf.ndim else -1 for leaf in leaves_of(element) if leaf is not None}
    if len(counts) != 1 or -1 in counts:
        shapes = [leaf.shape for leaf in leaves_of(element) if leaf is not None]
        checks.complain(ValueError, "tensors", "have the same number of rows", f"shapes {shapes}")
    for row in range(counts.pop()):
        yield nested(lambda leaf, row=row: None if leaf is None else leaf[row, ...], element)


class Padding:
    """Makes batches of elements of different sizes.

    Parameters
    ----------
    shapes : tuple of int
        For each tensor of an element its shape, with None or -1 for an axis that is as long as the longest of a batch;
        None: that for all axes.
    values : array_like
        What tensors are filled up with: one value, or one for each; None: 0, False or an empty text.
    """

    def __init__(self, shapes: Any = None, values: Any = None) -> None:
        self.shapes, self.values = shapes, values

    def __call__(self, group: Sequence[Any]) -> Any:
        """Return elements as a batch."""
        first, *others = group
        shapes = _for_each(first, self.shapes, self.shapes is None, "padded_shapes")
        values = _for_each(first, self.values, not isinstance(self.values, tuple | dict), "padding_values")
        return nested(_padded, first, shapes, values, *others, name="elements of a batch")

    def shapes_for(self, spec: Any) -> Any:
        """Return the shapes for elements with these specs, all as lists."""
        if self.shapes is not None:
            return nested(lambda leaf, shape: list(shape), spec, self.shapes, name="padded_shapes")
        return nested(lambda leaf: list(leaf.shape), spec)

    def spec(self, spec: Any) -> Any:
        """Return the specs of elements after they were filled up."""
        if self.shapes is None:
            return nested(lambda leaf: TensorSpec(leaf.shape and [None] * len(leaf.shape), leaf.dtype), spec)
        opened = nested(lambda shape: [None if size == -1 else size for size in shape], self.shapes_for(spec))
        return nested(lambda leaf, shape: TensorSpec(shape, leaf.dtype), spec, opened)


def _for_each(element: Any, given: Any, one_for_all: bool, name: str) -> Any:
    """Return what is given for each tensor of an element."""
    if one_for_all:
        return nested(lambda leaf: given, element)
    return nested(lambda leaf, own: own, element, given, name=name)


def _padded(first: Array, shape: Any, value: Any, *others: Array) -> EagerArray:
    parts = (first, *others)
    for part in parts:
        if part.ndim != first.ndim:
            checks.refuse_count("elements of a batch: shapes", f"{first.ndim} sizes as the first's", list(part.shape))
    sizes = _sizes(shape, parts)
    whole = np.full((len(parts), *sizes), _filling(value, first), first.dtype)
    for row, part in enumerate(parts):
        place: tuple[Any, ...] = (row, *map(slice, part.shape))
        whole[place] = part
    return whole.view(EagerArray)


def _sizes(shape: Any, parts: Sequence[Array]) -> list[int]:
    longest = np.array([part.shape for part in parts]).max(axis=0)
    if shape is None:
        return [int(size) for size in longest]
    given = as_shape(tuple(None if size == -1 else size for size in shape), "padded_shapes")
    if len(given) != len(longest) or any(size is not None and size < n for size, n in zip(given, longest, strict=True)):
        checks.complain(ValueError, "padded_shapes", f"have room for shape {tuple(map(int, longest))}", given)
    return [int(n) if size is None else size for size, n in zip(given, longest, strict=True)]


def _filling(value: Any, part: Array) -> Any:
    """Return what to fill up with, in a dtype that the tensors have."""
    if dtype_of(part) == TEXT:
        return b"" if value is None else tensor(value, "padding_values")[()]
    if value is None:
        return 0
    given = tensor(value, "padding_values")
    if not np.can_cast(given.dtype, part.dtype, "same_kind"):
        checks.refuse_dtype("padding_values", part.dtype, given.dtype)
    return given
