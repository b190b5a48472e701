"""Softmax along an axis, as a layer."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback


class Softmax(Layer):
    """Exponentials along an axis, divided by their sum.

    Parameters
    ----------
    axis
        Along which they add up to 1.
    **kwargs
        Those of `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Softmax(axis=1)(np.zeros((1, 2, 1))).tolist()
    [[[0.5], [0.5]]]
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = checks.whole_number(f"{self.name}: axis", axis)
        self.logits_activation = "softmax" if self.axis == -1 else None

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        if call.logits:
            return x
        powers = np.exp(x - np.maximum.reduce(x, axis=self.axis, keepdims=True))
        result: Array = powers / np.add.reduce(powers, axis=self.axis, keepdims=True)
        return result

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        if call.logits:
            return x, lambda dy: (dy, [])
        y = self.forward(x)

        def pullback(dy: Array) -> tuple[Array, list[Array]]:
            weighted = dy * y
            return weighted - y * np.add.reduce(weighted, axis=self.axis, keepdims=True), []

        return y, pullback

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis}
