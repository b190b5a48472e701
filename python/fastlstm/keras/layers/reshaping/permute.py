"""Axes in another order."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, shape_text
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback


class Permute(Layer):
    """Put the axes of a row into another order.

    Parameters
    ----------
    dims
        For each axis of the output which one of the input it is, counted from 1, the one behind that of the batch.
    **kwargs
        Those of `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Permute((2, 1))(np.zeros((4, 2, 3))).shape
    (4, 3, 2)
    """

    def __init__(self, dims: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        given = checks.items(f"{self.name}: dims", dims, "a tuple of axes")
        self.dims = tuple(checks.whole_number(f"{self.name}: dims: each axis", axis, at_least=1) for axis in given)
        if not self.dims or sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            wanted = "a tuple with every axis from 1 on once"
            checks.refuse(ValueError, f"{self.name}: dims", wanted, self.dims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output."""
        shape = self._checked_shape(input_shape)
        if len(shape) != len(self.dims) + 1:
            raise ValueError(
                f"{self.name}: input_shape must have {len(self.dims) + 1} axes, got {shape_text(input_shape)}"
            )
        return (shape[0], *(shape[axis] for axis in self.dims))

    def compute_mask(self, x: Array, mask: Array | None = None) -> None:
        """None: the steps are no longer those of the input."""

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        self.compute_output_shape(x.shape)
        return np.ascontiguousarray(x.transpose(0, *self.dims))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        back = np.argsort((0, *self.dims))
        return self.forward(x), lambda dy: (dy.transpose(back), [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"dims": self.dims}
