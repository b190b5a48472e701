"""Arrays that programs written for tensors can use: what calls of layers and models outside of a model give."""

from __future__ import annotations

from itertools import chain, repeat
from typing import Any

import numpy as np

from .arrays import Array
from .trees import filled, leaves


class EagerArray(np.ndarray):
    """An array that has what programs call on tensors, and maybe a mask.

    Parts of it are such arrays, without the mask. What NumPy makes of it is an array or a number like any other, and so
    is what is pickled.
    """

    _keras_mask: Array | None = None

    def numpy(self) -> Array:
        """Return the array as a plain one."""
        return np.asarray(self)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = True) -> Any:
        if array is self:  # an operation in place
            return self
        return array[()] if array.ndim == 0 else np.asarray(array)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return np.asarray(self).__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(np.asarray(self))


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


def _carrying(part: Any, mask: Any) -> Any:
    if mask is None and not isinstance(part, np.ndarray):
        return part
    carrier = np.asarray(part).view(EagerArray)
    carrier._keras_mask = None if mask is None else np.asarray(mask)
    return carrier
