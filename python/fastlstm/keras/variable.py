"""A named weight whose value is an immutable snapshot."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .arrays import Array, any_numbers
from .constraints import Constraint
from .regularizers import Regularizer

CHANGE = threading.RLock()
"""Held while weights that belong together change, and while a layer derives something from them."""


class Variable:
    """One weight of a layer.

    A change never writes into the array in place but puts another one in its stead. A forward pass in another thread
    therefore goes on with the arrays it started with, and ``variable.value is seen_before`` tells whether it changed.

    Parameters
    ----------
    value
        Initial value; its dtype stays for good.
    name
        For instance ``"kernel"``.
    path
        For instance ``"sequential/lstm/kernel"``.
    regularizer
        Its penalty is part of the loss.
    constraint
        Applied after every step of training.
    """

    __slots__ = ("constraint", "name", "path", "regularizer", "value")

    def __init__(
        self,
        value: Array,
        name: str,
        path: str = "",
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        self.value = value
        self.name = name
        self.path = path or name
        self.regularizer = regularizer
        self.constraint = constraint

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the value."""
        return self.value.dtype

    def numpy(self) -> Array:
        """Return a copy of the value."""
        return self.value.copy()

    def assign(self, value: Any) -> None:
        """Take a copy of `value`, which must have this weight's shape."""
        self.value = self.checked(value)

    def checked(self, value: Any) -> Array:
        """Return a copy of `value` fit to be assigned, or ValueError."""
        array = any_numbers(value.value if isinstance(value, Variable) else value, self.path)
        if array.shape != self.shape:
            raise ValueError(f"{self.path}: got a weight of shape {array.shape}, wanted {self.shape}")
        return np.array(array, dtype=self.dtype, order="C")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"


class _Held(threading.local):
    values: dict[int, Array] | None = None


_held = _Held()


@contextmanager
def holding(variables: Iterable[Variable]) -> Iterator[None]:
    """For this thread and the time of a block, keep the values that `variables` have now, taken all at once.

    So a pass through many layers sees the weights of one moment, even if another thread sets them meanwhile. A block
    inside another one goes on with what that one holds.
    """
    if _held.values is not None:
        yield
        return
    with CHANGE:
        _held.values = {id(variable): variable.value for variable in variables}
    try:
        yield
    finally:
        _held.values = None


def current_values(variables: Iterable[Variable]) -> tuple[Array, ...]:
    """Return what `variables` are, for this thread: see `holding`."""
    held = _held.values
    if held is None:
        return tuple(variable.value for variable in variables)
    return tuple(held.get(id(variable), variable.value) for variable in variables)


def assign_all(variables: list[Variable], values: list[Any], owner: str) -> None:
    """Assign `values` to `variables`: all of them or, if one does not fit, none."""
    if len(values) != len(variables):
        shapes = [variable.shape for variable in variables]
        raise ValueError(f"{owner}: got {len(values)} weights, wanted {len(variables)} of shapes {shapes}")
    checked = [variable.checked(value) for variable, value in zip(variables, values, strict=True)]
    with CHANGE:
        for variable, array in zip(variables, checked, strict=True):
            variable.value = array
