"""One axis of many."""

import math

from ...foundation.arrays import Array, Shape
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback


class Flatten(Layer):
    """Make one axis of all axes but the batch's. A mask ends here, as there are no steps any more."""

    def compute_mask(self, x: Array, mask: Array | None) -> None:
        """None: the output has no time steps."""
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output."""
        input_shape = self._checked_shape(input_shape)
        sizes = [size for size in input_shape[1:] if size is not None]
        return (input_shape[0], math.prod(sizes) if len(sizes) == len(input_shape) - 1 else None)

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        return self.forward(x), lambda dy: (dy.reshape(x.shape), [])
