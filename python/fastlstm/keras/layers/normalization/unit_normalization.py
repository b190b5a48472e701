"""Normalization to a length of 1."""

from typing import Any

import numpy as np

from ...foundation.arrays import Array
from .along_axes import AlongAxes

SHORTEST = 1e-12
"""What is shorter counts as this long."""


class UnitNormalization(AlongAxes):
    """Bring the numbers along one or more axes to a length of 1: ``x / sqrt(sum(x**2))``.

    Parameters
    ----------
    axis : int or tuple of int
        Axis of the numbers, or a list of axes.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `axis` has another form.
    TypeError
        If `axis` has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.UnitNormalization()([[0.0, 2.0]]).tolist()
    [[0.0, 1.0]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(axis, **kwargs)

    def _scaled(self, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
        total = np.add.reduce(x * x, axis=axes, keepdims=True)
        scale = 1 / np.maximum(np.sqrt(total), x.dtype.type(SHORTEST))
        return x * scale, scale

    def _through(self, slope: Array, y: Array, scale: Array, axes: tuple[int, ...]) -> Array:
        along = np.add.reduce(slope * y, axis=axes, keepdims=True)
        along[scale >= scale.dtype.type(1 / SHORTEST)] = 0  # the scale is constant there
        dx: Array = scale * (slope - y * along)
        return dx
