"""What layers share that multiply with a kernel, add a bias and apply an activation."""

import warnings
from typing import Any

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from .. import activations
from ..foundation.arrays import Array
from ..foundation.variable import Variable
from .base import Layer
from .call import INFERENCE, TRAINING, Call, Pullback

FUSABLE = ("softmax", "sigmoid")
"""Activations that a loss may have built in."""


class Affine(Layer):
    """Base class of `Dense` and of convolutions.

    A subclass defines `_affine`, `_input_gradient`, `_weight_gradients`, and a `_freeze` that gives a pair: what
    `_affine` takes, and the kernel.

    Parameters
    ----------
    activation : str or callable, optional
        Name or `ActivationFunction`; None is linear.
    use_bias : bool
        Whether there is a bias.
    options : keyword arguments
        Initializers, regularizers and constraints of the weights.
    **kwargs : keyword arguments
        Those of `Layer`.
    """

    def __init__(self, activation: Any, use_bias: bool, options: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation, f"{self.name}: activation")
        self.logits_activation = self.activation.name if self.activation.name in FUSABLE else None
        self.use_bias = checks.truth(f"{self.name}: use_bias", use_bias)
        self._set_options(**options)

    kernel: Variable
    bias: Variable | None

    def _create_affine(self, kernel: tuple[int, ...], outputs: int) -> None:
        """Create a kernel of that shape, and the bias."""
        if outputs == 1 and self.activation.name == "softmax":
            message = f"{self.name}: the softmax of a single output is 1 whatever it is; use activation='sigmoid'"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
        self.kernel = self._add_weight(kernel, "kernel")
        self.bias = self._add_weight((outputs,), "bias") if self.use_bias else None

    def _affine(self, x: Array, product: Any) -> Array:
        """Return what goes into the activation, an array of its own."""
        raise NotImplementedError(f"{type(self).__name__} must define _affine(x, product)")

    def _input_gradient(self, dz: Array, kernel: Array, shape: tuple[int, ...]) -> Array:
        """Return the gradient of an input of a `shape` from that of what goes into the activation."""
        raise NotImplementedError(f"{type(self).__name__} must define _input_gradient(dz, kernel, shape)")

    def _weight_gradients(self, x: Array, dz: Array) -> list[Array]:
        """Return the gradients of the weights."""
        raise NotImplementedError(f"{type(self).__name__} must define _weight_gradients(x, dz)")

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        product, _ = self.frozen()
        return self.activation.forward(self._affine(x, product))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        product, kernel = self.frozen()
        z = y = self._affine(x, product)
        function = None if call.logits else self.activation
        if function is not None:
            y = function.forward(z)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dz = dy if function is None else function.backward(dy, z, y)
            dx = self._input_gradient(dz, kernel, x.shape) if call.need_dx else None
            return dx, self._weight_gradients(x, dz) if self.trainable else []

        return y, pullback

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"activation": activations.serialize(self.activation), "use_bias": self.use_bias}
        return super().get_config() | own
