"""Tensors out of values, what is known of them, and arrays of tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.keras import constraints, ops
from fastlstm.keras.foundation.arrays import Array
from fastlstm.keras.foundation.boxes import bare, is_box
from fastlstm.keras.foundation.eager import EagerArray as Tensor
from fastlstm.keras.foundation.symbolic import any_symbolic
from fastlstm.keras.foundation.tensors import tensor
from fastlstm.keras.foundation.texts import TEXT, is_text, tensor_dtype
from fastlstm.keras.foundation.trees import leaves
from fastlstm.keras.foundation.variable import Variable

newaxis = None

__all__ = ["Tensor", "TensorArray", "constant", "convert_to_tensor", "newaxis", "rank", "shape", "size", "variable"]


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None) -> Any:
    """`value` as a tensor; whole numbers become floats where `dtype` says so, floats no whole numbers.

    Parameters
    ----------
    value : array_like
        Numbers or texts, in lists or arrays.
    dtype : dtype, optional
        Of the tensor; None: int32 or the default dtype for Python's numbers, else that of the value.
    dtype_hint : dtype, optional
        No effect.
    """
    if any(is_box(leaf) or isinstance(leaf, Variable) for leaf in leaves(value)) or any_symbolic(value):
        return ops.convert_to_tensor(value, dtype)
    found = tensor(value, "value")
    return found if dtype is None else _in_dtype(found, tensor_dtype("dtype", dtype))


def _in_dtype(found: Tensor, dtype: np.dtype[Any]) -> Array:
    if is_text(found) != (dtype == TEXT) or (dtype != TEXT and not np.can_cast(found.dtype, dtype, "same_kind")):
        checks.refuse_dtype("value", dtype, found.dtype, "; cast() changes it")
    return found if dtype == TEXT else found.astype(dtype, copy=False)


def constant(value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """`value` as a tensor, maybe in a shape; a single one fills it."""
    found = convert_to_tensor(value, dtype)
    if shape is None:
        return found
    return np.broadcast_to(found, tuple(shape)).copy() if found.size == 1 else ops.reshape(found, shape)


def variable(value: Any, trainable: bool | None = None, dtype: Any = None, constraint: Any = None) -> Variable:
    """`value`, or what a function gives, as a variable: an attribute of a layer or model is one of its weights.

    Parameters
    ----------
    value : array_like
        Numbers, or a function without arguments.
    trainable : bool, optional
        Whether training changes it; None: it does.
    dtype : dtype, optional
        As that of `convert_to_tensor`.
    constraint : str or Constraint, optional
        Applied after every step of training.
    """
    array = bare(convert_to_tensor(value() if callable(value) else value, dtype))
    trains = trainable is None or checks.truth("trainable", trainable)
    return Variable(np.asarray(array), constraint=constraints.get(constraint), trainable=trains)


def shape(input: Any, out_type: Any = "int32") -> Any:
    """Sizes of the axes, as a tensor; of a symbolic tensor a tuple, with None for what is open."""
    sizes = ops.shape(input)
    return sizes if any_symbolic(input) else np.array(sizes, out_type)


def size(input: Any, out_type: Any = "int32") -> Any:
    """Number of entries."""
    return np.array(ops.size(input), out_type)


def rank(input: Any) -> Any:
    """Number of axes."""
    return np.array(ops.ndim(input), np.int32)


class TensorArray:
    """Tensors by their numbers, written one by one.

    Parameters
    ----------
    dtype : dtype, optional
        Of all.
    size : int
        How many there are at first.
    dynamic_size : bool
        Whether there may be more.
    clear_after_read, infer_shape, element_shape, name : bool; tuple of int; str
        No effect: tensors stay, and have any shape.

    Raises
    ------
    ValueError
        If `size` is out of range, or later a number of a tensor.

    Examples
    --------
    >>> import fastlstm.tensorflow as tf
    >>> array = tf.TensorArray("float32", size=2)
    >>> array = array.write(0, [1.0]).write(1, [2.0])
    >>> array.stack().tolist()
    [[1.0], [2.0]]
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = 0,
        dynamic_size: bool = False,
        clear_after_read: bool | None = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        name: str | None = None,
    ) -> None:
        self.dtype, self.dynamic_size = tensor_dtype("dtype", dtype), dynamic_size
        self._tensors: list[Any] = [None] * checks.whole_number("size", size, at_least=0)

    def size(self) -> int:
        """Return how many there are."""
        return len(self._tensors)

    def write(self, index: Any, value: Any) -> TensorArray:
        """Write a tensor, and return the array of tensors that has it; this one stays what it is."""
        last = None if self.dynamic_size else len(self._tensors) - 1
        place = checks.whole_number("index", index, at_least=0, at_most=last)
        written = TensorArray(self.dtype, max(len(self._tensors), place + 1), self.dynamic_size)
        written._tensors[: len(self._tensors)] = self._tensors
        written._tensors[place] = convert_to_tensor(value)
        return written

    def read(self, index: Any) -> Any:
        """Return the tensor with a number."""
        return self._all()[checks.whole_number("index", index, at_least=0, at_most=len(self._tensors) - 1)]

    def stack(self) -> Any:
        """Return all as one tensor, with an axis more, the first."""
        return ops.stack(self._all())

    def concat(self) -> Any:
        """Return all as one tensor, one after the other."""
        return ops.concatenate(self._all())

    def unstack(self, value: Any) -> TensorArray:
        """Return an array of the tensors along the first axis of one."""
        given = TensorArray(self.dtype, len(value), self.dynamic_size)
        given._tensors[:] = ops.unstack(value)
        return given

    def _all(self) -> list[Any]:
        for number, value in enumerate(self._tensors):
            if value is None:
                checks.complain(ValueError, "the TensorArray", "have all its tensors written", f"none at {number}")
        return self._tensors
