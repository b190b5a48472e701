"""Merging entry by entry, with broadcasting."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from fastlstm import checks

from ... import ops
from ...foundation import core
from ...foundation.arrays import Array, Shape, shape_text
from ..base import Step, Stepper
from .merge import Masks, Merge


class Elementwise(Merge):
    """Base class of layers that merge entry by entry.

    Inputs with fewer axes get axes of size 1 behind that of the batch; axes of size 1 are stretched.
    A subclass defines `_into` and `_slopes`, and more if masks change its values.
    """

    def _into(self, parts: list[Array], y: Array) -> None:
        """Write the merged `parts`, which have as many axes as it, into `y`; nothing may be allocated."""
        raise NotImplementedError(f"{type(self).__name__} must define _into(parts, y)")

    def _slopes(self, dy: Array, parts: list[Array]) -> list[Array]:
        """Return the gradients of the parts, in any shape that broadcasting takes to that of `dy`."""
        raise NotImplementedError(f"{type(self).__name__} must define _slopes(dy, parts)")

    def _merged_shape(self, shapes: list[Shape]) -> Shape:
        rows, rank = self._check_rows(shapes), max(map(len, shapes))
        axes = zip(*(_lifted(shape, rank)[1:] for shape in shapes), strict=True)
        sizes = [self._common_size(axis, list(found), shapes) for axis, found in enumerate(axes, start=1)]
        return (rows, *sizes)

    def _common_size(self, axis: int, sizes: list[int | None], shapes: list[Shape]) -> int | None:
        """Return what the `sizes` of the inputs at an axis are stretched to; None if one of them is open."""
        known = {k: size for k, size in enumerate(sizes) if size not in (None, 1)}
        first = next(iter(known), 0)
        for k, size in known.items():
            if size != known[first]:
                wanted = "sizes that are equal, or 1, axis by axis"
                lifted = _lifted(shapes[k], max(map(len, shapes)))
                as_what = "" if lifted == shapes[k] else f", taken as {shape_text(lifted)},"
                cause = f"input {k}{as_what} has {size} at axis {axis} and input {first} has {known[first]}"
                self._refuse_shapes(shapes, wanted, cause)
        return None if None in sizes else known.get(first, 1)

    def _symbolic_mask(self, parts: list[Any], masks: list[Any]) -> Any:
        return None if None in masks else reduce(ops.logical_or, masks)

    def _merged_mask(self, parts: list[Array], masks: Masks) -> Array | None:
        """Return where any input is there; None if one of them is everywhere."""
        found = [mask for mask in lifted_masks(parts, masks) if mask is not None]
        if len(found) < len(parts):
            return None
        rank = max(mask.ndim for mask in found)
        result = np.zeros((), np.bool_)
        for mask in found:
            result = result | mask.reshape(*mask.shape, *[1] * (rank - mask.ndim))
        return result

    def _merge(self, parts: list[Array], masks: Masks) -> Array:
        parts = lifted(parts)
        y: Array = core.empty(np.broadcast_shapes(*(part.shape for part in parts)), self.dtype)
        self._into(parts, y)
        return y

    def _merge_vjp(self, parts: list[Array], masks: Masks) -> tuple[Array, Any]:
        full = lifted(parts)
        return self._merge(parts, masks), lambda dy: summed_back(self._slopes(dy, full), parts)

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the stepper takes a list of arrays."""
        self._check_steps()

        def stepper(x: Any) -> tuple[Step, Array]:
            parts = x if isinstance(x, list) else [x]
            y = np.empty(np.broadcast_shapes(*(part.shape for part in parts)), self.dtype)
            return lambda: self._into(parts, y), y

        return stepper

    def _check_steps(self) -> None:
        """ValueError if a step of the output needs more than that step of the inputs."""
        shapes: Any = self.input_shape or ()
        ranks, lengths = {len(shape) for shape in shapes}, {shape[1:2] for shape in shapes}
        if len(ranks) > 1 or (len(lengths) > 1 and (1,) in lengths):
            given = ", ".join(map(shape_text, shapes))
            must = "all be sequences for the layer to be streamed"
            checks.complain(ValueError, f"{self.name}: the inputs", must, f"shapes {given}")


def _lifted(shape: Any, rank: int) -> Any:
    """`shape` with axes of size 1 behind that of the batch, `rank` in all."""
    return (*shape[:1], *[1] * (rank - len(shape)), *shape[1:])


def lifted(parts: list[Array]) -> list[Array]:
    """`parts` with as many axes each."""
    rank = max(part.ndim for part in parts)
    return [part if part.ndim == rank else part.reshape(_lifted(part.shape, rank)) for part in parts]


def lifted_masks(parts: list[Array], masks: Masks) -> Masks:
    """`masks` with axes where `lifted` puts some into their inputs."""
    rank = max(part.ndim for part in parts)
    pairs = zip(parts, masks, strict=True)
    return [None if m is None else m.reshape(_lifted(m.shape, rank - part.ndim + m.ndim)) for part, m in pairs]


def full_masks(parts: list[Array], masks: Masks) -> Masks:
    """`lifted_masks` with as many axes as `lifted` inputs have: those of the features are of size 1."""
    rank = max(part.ndim for part in parts)
    found = lifted_masks(parts, masks)
    return [None if mask is None else mask.reshape(*mask.shape, *[1] * (rank - mask.ndim)) for mask in found]


def summed_back(slopes: list[Array], parts: list[Array]) -> list[Array]:
    """`slopes` summed over the axes that broadcasting stretched, in the shapes of the `parts`."""
    return [_summed(slope, part.shape) for slope, part in zip(slopes, parts, strict=True)]


def _summed(slope: Array, shape: tuple[int, ...]) -> Array:
    if slope.shape == shape:
        return slope
    pairs = enumerate(zip(slope.shape, _lifted(shape, slope.ndim), strict=True))
    stretched = tuple(axis for axis, (size, wanted) in pairs if size != wanted)
    result: Array = np.add.reduce(slope, axis=stretched, keepdims=True).reshape(shape)
    return result


def chain(operation: Callable[..., Any], parts: list[Array], y: Array) -> None:
    """Write ``parts[0] . parts[1] . ...`` into `y`, from the left, for a ufunc `operation`."""
    if len(parts) == 1:
        np.copyto(y, parts[0])
        return
    operation(parts[0], parts[1], out=y)
    for part in parts[2:]:
        operation(y, part, out=y)
