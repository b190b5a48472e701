"""Arrays that programs written for tensors can use: what masks go with outside of a model."""

from __future__ import annotations

from itertools import chain, repeat
from typing import Any

import numpy as np

from .arrays import Array
from .trees import filled, leaves


class EagerArray(np.ndarray):
    """An array with a mask, or with what programs call on tensors; what NumPy makes of it has no mask."""

    _keras_mask: Array | None = None

    def numpy(self) -> Array:
        """Return the array as a plain one."""
        return np.asarray(self)


def mask_of(x: Any) -> Any:
    """Return the mask that an array carries, for a list of arrays a list; None if there is none."""
    if isinstance(x, list | tuple):
        masks = [mask_of(part) for part in x if isinstance(part, EagerArray)] and list(map(mask_of, x))
        return masks or None
    return x._keras_mask if isinstance(x, EagerArray) else None


def with_masks(outputs: Any, masks: Any) -> Any:
    """Return an array, or a tree of arrays, that carries a mask, or those of a tree of masks, in order."""
    if masks is None:
        return outputs
    found = zip(leaves(outputs), chain(leaves(masks), repeat(None)), strict=False)
    return filled(outputs, iter([_carrying(part, mask) for part, mask in found]))


def _carrying(part: Any, mask: Any) -> Any:
    if mask is None:
        return part
    carrier = np.asarray(part).view(EagerArray)
    carrier._keras_mask = np.asarray(mask)
    return carrier
