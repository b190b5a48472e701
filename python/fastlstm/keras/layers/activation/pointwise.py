"""What layers share that compute each number from itself alone."""

import numpy as np

from ...foundation.arrays import Array
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback


class Pointwise(Layer):
    """Base class of layers that compute each number from itself; a subclass defines the function and its slope."""

    steps_without_time = True

    def _values(self, x: Array) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define _values(x)")

    def _slopes(self, x: Array, y: Array) -> Array:
        """Return the derivative at `x`, where the function is `y`."""
        raise NotImplementedError(f"{type(self).__name__} must define _slopes(x, y)")

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        with np.errstate(over="ignore", invalid="ignore"):  # infinity and NaN are answers like others
            return self._values(x)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        y = self.forward(x, call)
        return y, lambda dy: (dy * self._slopes(x, y) if call.need_dx else None, [])

    def step_function(self) -> Stepper:
        """See `Layer.step_function`."""

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty_like(x)
            return lambda: np.copyto(y, self.forward(x)), y

        return stepper
