"""An activation function as a layer."""

from typing import Any

import numpy as np

from ... import activations
from ...activations import ActivationFunction
from ...foundation.arrays import Array
from ..affine import FUSABLE
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback


class Activation(Layer):
    """Apply an activation function.

    Parameters
    ----------
    activation : str or callable, optional
        Name or `ActivationFunction`.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `activation` is unknown.
    TypeError
        If `activation` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Activation("relu")(np.array([[-1.0, 2.0]])).tolist()
    [[0.0, 2.0]]
    """

    steps_without_time = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation, f"{self.name}: activation")
        self.logits_activation = self.activation.name if self.activation.name in FUSABLE else None

    def step_function(self) -> Stepper:
        """See `Layer.step_function`."""

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty_like(x)
            activate = self.activation.bind(y)

            def step() -> None:
                np.copyto(y, x)
                activate()

            return step, y

        return stepper

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return self.activation.forward(x)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        function: ActivationFunction = activations.linear if call.logits else self.activation
        y = function.forward(x)
        return y, lambda dy: (function.backward(dy, x, y), [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"activation": activations.serialize(self.activation)}
