"""Inputs side by side."""

from functools import partial
from typing import Any

import numpy as np

from fastlstm import checks

from ... import ops
from ...foundation import core
from ...foundation.arrays import Array, Shape
from ..base import Step, Stepper
from .merge import Masks, Merge


class Concatenate(Merge):
    """Put inputs side by side.

    All have the same shape but for the axis. The output has a mask if any input has one. Along time the masks are put
    side by side, and of an input without one every step is there; along the features a step is there if it is in any
    input.

    Parameters
    ----------
    axis : int
        Along which axis; from the end if negative.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    TypeError
        If `axis` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Concatenate()([np.ones((2, 5, 3)), np.ones((2, 5, 1))]).shape
    (2, 5, 4)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = checks.whole_number(f"{self.name}: axis", axis)

    def _axis_of(self, rank: int, shapes: list[Shape]) -> int:
        if not -rank <= self.axis < rank:
            cause = f"axis is {self.axis}, and there are {rank} axes"
            self._refuse_shapes(shapes, "the axis that they are put side by side along", cause)
        return self.axis % rank

    def _merged_shape(self, shapes: list[Shape]) -> Shape:
        first, rank = shapes[0], len(shapes[0])
        axis = self._axis_of(rank, shapes)
        for k, shape in enumerate(shapes):
            if len(shape) != rank:
                self._refuse(shapes, axis, f"input {k} has {len(shape)} axes and input 0 has {rank}")
            for other in range(rank):
                self._check_size(other, axis, k, shapes)
        sizes = [shape[axis] for shape in shapes]
        total = None if None in sizes else sum(size for size in sizes if size is not None)
        return (*first[:axis], total, *first[axis + 1 :])

    def _check_size(self, other: int, axis: int, k: int, shapes: list[Shape]) -> None:
        """ValueError if input `k` differs at another axis from the first one that has a size there."""
        known = {i: shape[other] for i, shape in enumerate(shapes[: k + 1]) if shape[other] is not None}
        first = next(iter(known), k)
        if other != axis and known.get(k, known.get(first)) != known.get(first):
            cause = f"input {k} has {known[k]} at axis {other} and input {first} has {known[first]}"
            self._refuse(shapes, axis, cause)

    def _refuse(self, shapes: list[Shape], axis: int, cause: str) -> None:
        self._refuse_shapes(shapes, f"the same shape but for axis {axis}", cause)

    def _merged_mask(self, parts: list[Array], masks: Masks) -> Array | None:
        ranks = [mask.ndim for mask in masks if mask is not None]
        if not ranks:
            return None
        rank, axis = min(*ranks, parts[0].ndim - 1), self.axis % parts[0].ndim
        full = [_steps_there(part, mask, rank) for part, mask in zip(parts, masks, strict=True)]
        return np.concatenate(full, axis) if axis < rank else np.asarray(np.logical_or.reduce(full))

    def _symbolic_mask(self, parts: list[Any], masks: list[Any]) -> Any:
        if all(mask is None for mask in masks):
            return None
        pairs = zip(parts, masks, strict=True)
        return ops.any(ops.concatenate([_entries_there(part, mask) for part, mask in pairs], self.axis), axis=-1)

    def _merge(self, parts: list[Array], masks: Masks) -> Array:
        axis = self.axis % parts[0].ndim
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        y: Array = core.empty(tuple(shape), self.dtype)
        return np.concatenate(parts, axis, out=y)

    def _merge_vjp(self, parts: list[Array], masks: Masks) -> tuple[Array, Any]:
        axis = self.axis % parts[0].ndim
        ends = np.cumsum([part.shape[axis] for part in parts])[:-1]
        return self._merge(parts, masks), lambda dy: np.split(dy, ends, axis)

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the stepper takes a list of arrays."""
        shapes: Any = self.input_shape
        if self.axis in (0, 1) or (shapes and self.axis + len(shapes[0]) in (0, 1)):
            must = "be behind that of time for the layer to be streamed"
            checks.complain(ValueError, f"{self.name}: axis", must, self.axis)
        axis = self.axis if self.axis < 0 else self.axis - 1  # a step has no axis of time

        def stepper(x: Any) -> tuple[Step, Array]:
            parts = x if isinstance(x, list) else [x]
            y = np.concatenate(parts, axis)
            return partial(np.concatenate, parts, axis, y), y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis}


def _steps_there(part: Array, mask: Array | None, rank: int) -> Array:
    """Return the mask with `rank` axes; without one everything is there."""
    if mask is None:
        return np.ones(part.shape[:rank], np.bool_)
    if mask.ndim > rank:
        return np.asarray(mask.any(axis=tuple(range(rank, mask.ndim))))
    return mask


def _entries_there(part: Any, mask: Any) -> Any:
    """Return a symbolic mask of all entries of an input."""
    if mask is None:
        return ops.ones_like(part, dtype="bool")
    if mask.ndim == part.ndim:
        return mask
    return ops.logical_or(ops.expand_dims(mask, -1), ops.zeros_like(part, dtype="bool"))


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Return ``Concatenate(axis, **kwargs)(inputs)``."""
    return Concatenate(axis, **kwargs)(inputs)
