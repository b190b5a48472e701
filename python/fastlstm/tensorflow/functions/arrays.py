"""Functions of arrays that have other arguments or defaults than their kin in ``keras.ops``."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.keras import ops
from fastlstm.keras.foundation.tensors import tensor
from fastlstm.keras.foundation.texts import is_text

_ASCENDING = ("ASCENDING", "DESCENDING")


def argmax(input: Any, axis: int | None = None, output_type: Any = "int64") -> Any:
    """Place of the largest entry along an axis; None: the first."""
    return ops.cast(ops.argmax(input, 0 if axis is None else axis), output_type)


def argmin(input: Any, axis: int | None = None, output_type: Any = "int64") -> Any:
    """Place of the smallest entry along an axis; None: the first."""
    return ops.cast(ops.argmin(input, 0 if axis is None else axis), output_type)


def argsort(values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False) -> Any:
    """Places of the entries in an order; of equal ones the first comes first."""
    checks.one_of("direction", direction, _ASCENDING)
    return ops.argsort(values if direction == "ASCENDING" else ops.negative(values), axis)


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING") -> Any:
    """Entries in an order."""
    checks.one_of("direction", direction, _ASCENDING)
    found = ops.sort(values, axis)
    return found if direction == "ASCENDING" else ops.flip(found, axis)


def boolean_mask(tensor: Any, mask: Any, axis: int = 0) -> Any:
    """Entries for which `mask` holds, along as many axes as it has, from `axis` on."""
    which = np.asarray(mask, np.bool_)
    return tensor[(*(np.s_[:],) * axis, which)]


def cumsum(x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Any:
    """Sums of the entries so far.

    Parameters
    ----------
    x : array_like
        The numbers.
    axis : int
        Along which they are added.
    exclusive : bool
        Whether an entry does not count in its own sum.
    reverse : bool
        Whether to begin at the end.
    """
    given = ops.flip(x, axis) if reverse else x
    sums = ops.cumsum(given, axis)
    sums = ops.subtract(sums, given) if exclusive else sums
    return ops.flip(sums, axis) if reverse else sums


def diag_part(input: Any) -> Any:
    """Diagonals of matrices."""
    return ops.diagonal(input, 0, -2, -1)


def trace(x: Any) -> Any:
    """Sums of the diagonals of matrices."""
    return ops.trace(x, 0, -2, -1)


def fill(dims: Any, value: Any) -> Any:
    """One value everywhere."""
    return np.full(np.asarray(dims).tolist(), tensor(value, "value"))


def gather(
    params: Any, indices: Any, validate_indices: bool | None = None, axis: int | None = None, batch_dims: int = 0
) -> Any:
    """Entries at these places along an axis.

    Parameters
    ----------
    params : dict
        The entries, numbers or texts.
    indices : array_like of int
        Their places, which must be there.
    validate_indices : bool, optional
        No effect: they are.
    axis : int, optional
        None: the first.
    batch_dims : int
        0.
    """
    if batch_dims:
        checks.refuse(NotImplementedError, "batch_dims", "0", batch_dims, "; keras.ops.take_along_axis has such places")
    along = 0 if axis is None else checks.whole_number("axis", axis)
    given = tensor(params) if isinstance(params, list | tuple) else params
    if isinstance(given, np.ndarray) and is_text(given):
        return np.take(given, checks.whole_numbers("indices", indices), along)
    return ops.take(given, indices, along)


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """``a @ b``, of matrices that may be transposed first."""
    return ops.matmul(matrix_transpose(a) if transpose_a else a, matrix_transpose(b) if transpose_b else b)


def matrix_transpose(a: Any) -> Any:
    """`a` with its last two axes in each other's place."""
    return ops.swapaxes(a, -1, -2)


def multiply_no_nan(x: Any, y: Any) -> Any:
    """``x * y``, 0 where `y` is 0."""
    return ops.where(ops.equal(y, 0), ops.zeros_like(y), ops.multiply(x, y))


def one_hot(
    indices: Any, depth: int, on_value: Any = None, off_value: Any = None, axis: int | None = None, dtype: Any = None
) -> Any:
    """Rows of `off_value`, 0 by default, with `on_value`, by default 1, at the places of the indices."""
    hot = ops.one_hot(indices, depth, -1 if axis is None else axis, "float32" if dtype is None else dtype)
    if on_value is None and off_value is None:
        return hot
    on, off = tensor(1 if on_value is None else on_value), tensor(0 if off_value is None else off_value)
    found = ops.where(ops.equal(hot, 1), on, off)
    return found if dtype is None else ops.cast(found, dtype)


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0) -> Any:
    """`tensor` with more around it: one value, or what lies inside mirrored (``"REFLECT"``, ``"SYMMETRIC"``)."""
    kind = checks.one_of("mode", mode.lower(), ("constant", "reflect", "symmetric"))
    return ops.pad(tensor, np.asarray(paddings).tolist(), kind, constant_values if kind == "constant" else None)


def slice(input_: Any, begin: Any, size: Any) -> Any:
    """Part that begins at a place and has a size; -1: to the end."""
    return ops.slice(input_, np.asarray(begin).tolist(), np.asarray(size).tolist())


def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: int | None = None) -> Any:
    """`value` in so many equal parts along an axis, or in parts of these sizes."""
    if np.ndim(num_or_size_splits) == 0:
        return ops.split(value, checks.whole_number("num_or_size_splits", num_or_size_splits, at_least=1), axis)
    sizes = checks.whole_numbers("num_or_size_splits", num_or_size_splits)
    return ops.split(value, np.cumsum(sizes)[:-1].tolist(), axis)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """`x` where the condition holds, elsewhere `y`; without both, the places where it holds, a row for each."""
    if x is None and y is None:
        return np.argwhere(condition)
    if any(isinstance(part, np.ndarray | str | bytes) and is_text(np.asarray(part)) for part in (x, y)):
        return np.where(condition, tensor(x), tensor(y))
    return ops.where(condition, x, y)
