"""Other axes for the same entries."""

import math
from typing import Any

from fastlstm import checks

from ...foundation.arrays import Array, Shape, shape_text
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback


class Reshape(Layer):
    """Give the entries of a row another shape.

    Parameters
    ----------
    target_shape
        Without the batch axis; one size may be -1, which takes what is left.
    **kwargs
        Those of `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Reshape((3, -1))(np.zeros((2, 6))).shape
    (2, 3, 2)
    """

    def __init__(self, target_shape: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sizes = checks.items(f"{self.name}: target_shape", target_shape, "a tuple of sizes")
        name = f"{self.name}: target_shape: each size"
        self.target_shape = tuple(checks.whole_number(name, size, at_least=-1) for size in sizes)
        if self.target_shape.count(-1) > 1:
            checks.refuse(ValueError, f"{self.name}: target_shape", "a tuple with one -1 at most", self.target_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output."""
        rows, *sizes = self._checked_shape(input_shape)
        known = [size for size in sizes if size is not None]
        if len(known) < len(sizes):
            return (rows, *(None if size == -1 else size for size in self.target_shape))
        entries, fixed = math.prod(known), math.prod(size for size in self.target_shape if size != -1)
        if (entries != fixed) if -1 not in self.target_shape else (fixed == 0 or entries % fixed):
            raise ValueError(
                f"{self.name}: input_shape must have as many entries a row as target_shape {self.target_shape}, "
                f"got {shape_text(input_shape)}"
            )
        return (rows, *(entries // fixed if size == -1 else size for size in self.target_shape))

    def compute_mask(self, x: Array, mask: Array | None = None) -> None:
        """None: the steps are no longer those of the input."""

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return x.reshape(len(x), *self.compute_output_shape(x.shape)[1:])

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        return self.forward(x), lambda dy: (dy.reshape(x.shape), [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"target_shape": self.target_shape}
