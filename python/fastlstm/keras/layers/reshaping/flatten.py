"""One axis of many."""

import math
from typing import Any

from ...foundation.arrays import Array, Shape
from ...foundation.data_format import checked_data_format
from .rearranging import Rearranging


class Flatten(Rearranging):
    """Make one axis of all axes but the batch's: ``(N, ...)`` becomes ``(N, O)``.

    A mask ends here, as there are no steps any more.

    Parameters
    ----------
    data_format : str, optional
        ``"channels_last"``, or None for it.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `data_format` is unknown.
    TypeError
        If `data_format` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Flatten()(np.ones((2, 5, 3))).shape
    (2, 15)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(f"{self.name}: data_format", data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output."""
        input_shape = self._checked_shape(input_shape)
        sizes = [size for size in input_shape[1:] if size is not None]
        return (input_shape[0], math.prod(sizes) if len(sizes) == len(input_shape) - 1 else None)

    def _rearranged(self, x: Array) -> Array:
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))

    def _put_back(self, dy: Array, shape: tuple[int, ...]) -> Array:
        return dy.reshape(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"data_format": self.data_format}
