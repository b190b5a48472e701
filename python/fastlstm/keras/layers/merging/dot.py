"""Products of two inputs, summed over an axis of each."""

import math
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape
from ...foundation.settings import epsilon
from .merge import Masks, Merge


class Dot(Merge):
    """Multiply two inputs row by row, summing over an axis of each.

    ``(N, ..., d, ...)`` and ``(N, ..., d, ...)`` give an output with the other axes of the first, and then of the
    second input; ``(N, d)`` and ``(N, d)`` give ``(N, 1)``. The output has no mask.

    Parameters
    ----------
    axes : int or tuple of int
        The axis to sum over, or one for each input; from the end if negative.
    normalize : bool
        Whether the vectors along these axes are divided by their lengths first: the output are cosines then.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `axes` has another form, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    Scores of every step of one sequence with every step of another:

    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Dot(axes=2)([np.ones((1, 5, 3)), np.ones((1, 4, 3))]).shape
    (1, 5, 4)
    """

    count = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = self._checked_axes(axes)
        self.normalize = checks.truth(f"{self.name}: normalize", normalize)

    def _checked_axes(self, axes: Any) -> Any:
        name, wanted = f"{self.name}: axes", "a whole number, or two of them"
        if not isinstance(axes, list | tuple):
            return checks.whole_number(name, axes)
        if len(axes) != 2:
            checks.refuse(ValueError, name, wanted, axes)
        return tuple(checks.whole_number(f"{name}: each axis", axis) for axis in axes)

    def _axes_of(self, shapes: list[Any]) -> tuple[int, int]:
        """Return the axes to sum over, counted from the front."""
        given = self.axes if isinstance(self.axes, tuple) else (self.axes, self.axes)
        for k, (axis, shape) in enumerate(zip(given, shapes, strict=True)):
            rank = len(shape)
            if not -rank <= axis < rank or axis % rank == 0:
                wanted = "the axes to sum over behind that of the batch"
                self._refuse_shapes(shapes, wanted, f"axes is {self.axes}, and input {k} has {rank} axes")
        return given[0] % len(shapes[0]), given[1] % len(shapes[1])

    def _merged_shape(self, shapes: list[Shape]) -> Shape:
        (one, other), (a, b) = shapes, self._axes_of(shapes)
        rows = self._check_rows(shapes)
        if None not in (one[a], other[b]) and one[a] != other[b]:
            cause = f"input 0 has {one[a]} at axis {a} and input 1 has {other[b]} at axis {b}"
            self._refuse_shapes(shapes, "the same size where they are summed over", cause)
        rest = (*_without(one, a)[1:], *_without(other, b)[1:])
        return (rows, *(rest or (1,)))

    def _merge(self, parts: list[Array], masks: Masks) -> Array:
        return self._merge_vjp(parts, masks)[0]

    def _merge_vjp(self, parts: list[Array], masks: Masks) -> tuple[Array, Any]:
        axes = self._axes_of([part.shape for part in parts])
        scales = [_inverse_length(x, axis) if self.normalize else None for x, axis in zip(parts, axes, strict=True)]
        vectors = [x if scale is None else x * scale for x, scale in zip(parts, scales, strict=True)]
        left, right = (_as_matrices(x, axis) for x, axis in zip(vectors, axes, strict=True))
        product = left @ right.transpose(0, 2, 1)
        shape: Any = self._merged_shape([part.shape for part in parts])
        y = product.reshape(shape)

        def slopes(dy: Array) -> list[Array]:
            dproduct = dy.reshape(product.shape)
            found = dproduct @ right, dproduct.transpose(0, 2, 1) @ left
            back = [_from_matrices(d, x, axis) for d, x, axis in zip(found, vectors, axes, strict=True)]
            quads = zip(back, vectors, scales, axes, strict=True)
            return [d if scale is None else _through_length(d, v, scale, axis) for d, v, scale, axis in quads]

        return y, slopes

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axes": self.axes, "normalize": self.normalize}


def _without(shape: Any, axis: int) -> Any:
    return (*shape[:axis], *shape[axis + 1 :])


def _as_matrices(x: Array, axis: int) -> Array:
    """``(N, ..., d, ...)`` as ``(N, everything else, d)``."""
    moved = np.moveaxis(x, axis, -1)
    return moved.reshape(len(x), math.prod(moved.shape[1:-1]), moved.shape[-1])


def _from_matrices(matrices: Array, x: Array, axis: int) -> Array:
    """Undo `_as_matrices` of `x`."""
    shape = (*_without(x.shape, axis), x.shape[axis])
    return np.moveaxis(matrices.reshape(shape), -1, axis)


def _inverse_length(x: Array, axis: int) -> Array:
    """Return one over the length of the vectors along an axis; lengths of nearly zero count as the smallest one."""
    with np.errstate(divide="ignore"):
        found = 1 / np.sqrt(np.add.reduce(x * x, axis=axis, keepdims=True))
    result: Array = np.minimum(found, x.dtype.type(1 / epsilon()))
    return result


def _through_length(dvector: Array, vector: Array, scale: Array, axis: int) -> Array:
    """Return the gradient of `x` from that of ``vector = x * scale``."""
    along = np.add.reduce(dvector * vector, axis=axis, keepdims=True)
    along[scale >= scale.dtype.type(1 / epsilon())] = 0  # the scale is constant there
    result: Array = scale * (dvector - vector * along)
    return result


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Return ``Dot(axes, **kwargs)(inputs)``."""
    return Dot(axes, **kwargs)(inputs)
