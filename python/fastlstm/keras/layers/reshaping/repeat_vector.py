"""A vector, given at every step of a sequence."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback


class RepeatVector(Layer):
    """Repeat a vector ``(N, I)`` as every step of a sequence ``(N, n, I)``.

    Parameters
    ----------
    n
        Number of steps.
    **kwargs
        Those of `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.RepeatVector(2)(np.ones((1, 3))).tolist()
    [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    """

    ndim = 2

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = checks.size(f"{self.name}: n", n)

    def _axes_text(self) -> str:
        return " (batch, features)"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output."""
        rows, features = self._checked_shape(input_shape)
        return rows, self.n, features

    def compute_mask(self, x: Array, mask: Array | None = None) -> None:
        """None: all steps are there."""

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return np.repeat(x[:, None], self.n, axis=1)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        return self.forward(x), lambda dy: (np.add.reduce(dy, axis=1), [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"n": self.n}
