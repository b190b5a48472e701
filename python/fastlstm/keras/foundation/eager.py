"""Arrays that programs written for tensors can use: what calls of layers and models outside of a model give."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, repeat
from typing import Any

import numpy as np

from fastlstm import checks

from .arrays import Array, Shape, as_shape
from .trees import filled, leaves, mapped


class EagerArray(np.ndarray):
    """An array that has what programs call on tensors, and maybe a mask.

    Parts of it, also single entries, and what operators and functions of this package make of it are such arrays,
    without the mask. What NumPy's functions make of it is an array or a number like any other, and so is what is
    pickled.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm import keras
    >>> y = keras.layers.Dense(2)(np.ones((1, 3)))
    >>> type(y.numpy()).__name__, y.shape
    ('ndarray', (1, 2))
    """

    _keras_mask: Array | None = None

    def numpy(self) -> Any:
        """Return the array as a plain one; what an array without axes holds."""
        return np.asarray(self)[()]

    def get_shape(self) -> Shape:
        """Return the shape."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Raise ValueError unless the array has this shape, of which None fits every size."""
        wanted = as_shape(tuple(checks.items("shape", shape, "a tuple of sizes")), "shape")
        if len(wanted) != self.ndim or any(size not in (None, n) for size, n in zip(wanted, self.shape, strict=True)):
            checks.refuse_shape("the tensor", wanted, self.shape)

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return part if isinstance(part, np.ndarray) else _entry(part, self.dtype)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(np.asarray(self)[()])

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.item(), digits)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = True) -> Any:
        if array is self:  # an operation in place
            return self
        return array[()] if array.ndim == 0 else np.asarray(array)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return np.asarray(self).__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def __str__(self) -> str:
        return str(np.asarray(self))


def _entry(value: Any, dtype: np.dtype[Any]) -> EagerArray:
    array = np.empty((), dtype)
    array[()] = value
    return array.view(EagerArray)


def _giving_tensors(operator: Callable[..., Any]) -> Callable[..., Any]:
    def operate(*args: Any) -> Any:
        found = operator(*args)
        return np.asarray(found).view(EagerArray) if isinstance(found, np.ndarray | np.generic) else found

    return operate


_OPERATORS = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"),
    *("radd", "rsub", "rmul", "rtruediv", "rfloordiv", "rmod", "rpow", "rmatmul", "rand", "ror", "rxor"),
    *("neg", "pos", "abs", "invert", "eq", "ne", "lt", "le", "gt", "ge"),
)
for _name in _OPERATORS:
    setattr(EagerArray, f"__{_name}__", _giving_tensors(getattr(np.ndarray, f"__{_name}__")))


def mask_of(x: Any) -> Any:
    """Return the mask that an array carries, for a list of arrays a list; None if there is none."""
    if isinstance(x, list | tuple):
        masks = [mask_of(part) for part in x if isinstance(part, EagerArray)] and list(map(mask_of, x))
        return masks or None
    return x._keras_mask if isinstance(x, EagerArray) else None


def as_eager(outputs: Any, masks: Any = None) -> Any:
    """Return an array, or a tree of arrays, as programs get it: with a mask, or those of a tree of masks, in order."""
    if masks is None and type(outputs) is np.ndarray:
        return outputs.view(EagerArray)
    found = zip(leaves(outputs), chain(leaves(masks), repeat(None)), strict=False)
    return filled(outputs, iter([_carrying(part, mask) for part, mask in found]))


def as_tensors(tree: Any) -> Any:
    """Return a tree with arrays that programs can use as tensors, in place of all arrays and numbers of NumPy."""
    return mapped(_as_tensor, tree)


def _as_tensor(leaf: Any) -> Any:
    return np.asarray(leaf).view(EagerArray) if isinstance(leaf, np.ndarray | np.generic) else leaf


def _carrying(part: Any, mask: Any) -> Any:
    if mask is None and not isinstance(part, np.ndarray):
        return part
    carrier = np.asarray(part).view(EagerArray)
    carrier._keras_mask = None if mask is None else np.asarray(mask)
    return carrier
