"""The fully connected layer."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ... import activations
from ...foundation import core
from ...foundation.arrays import Array, Shape
from ...foundation.variable import Variable
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback

FUSABLE = ("softmax", "sigmoid")
"""Activations that a loss may have built in."""


class Dense(Layer):
    """Fully connected layer: ``activation(x @ kernel + bias)`` on the last axis.

    Parameters
    ----------
    units
        Size of the last axis of the output.
    activation
        Name or `ActivationFunction`; None is linear.
    use_bias
        Whether there is a bias.
    kernel_initializer, bias_initializer
        Names or initializers of the weights ``kernel (inputs, units)`` and ``bias (units,)``.
    kernel_regularizer, bias_regularizer
        Names or regularizers: penalties added to the loss.
    kernel_constraint, bias_constraint
        Names or constraints, applied after every step of training.
    **kwargs
        Those of `Layer`.
    """

    min_ndim = 2
    keras_only: ClassVar[Mapping[str, Any]] = {"quantization_config": None}
    keras_past: ClassVar[Mapping[str, Any]] = {"lora_rank": None, "lora_alpha": None}

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = checks.size(f"{self.name}: units", units)
        self.activation = activations.get(activation, f"{self.name}: activation")
        self.logits_activation = self.activation.name if self.activation.name in FUSABLE else None
        self.use_bias = checks.truth(f"{self.name}: use_bias", use_bias)
        self._set_options(
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )

    kernel: Variable
    bias: Variable | None

    def _create_weights(self, input_shape: Shape) -> None:
        shape = (self._known_features(input_shape), self.units)
        self.kernel = self._add_weight(shape, "kernel")
        self.bias = self._add_weight((self.units,), "bias") if self.use_bias else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output."""
        return (*self._checked_shape(input_shape)[:-1], self.units)

    def _freeze(self, values: tuple[Array, ...]) -> tuple[core.Dense, Array]:
        return core.Dense(*values), values[0]

    def step_function(self) -> Stepper:
        """See `Layer.step_function`."""
        dense, _ = self.frozen()

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty((*x.shape[:-1], self.units), self.dtype)
            rows, outputs = x.reshape(-1, x.shape[-1]), y.reshape(-1, self.units)
            activate = self.activation.bind(y)

            def step() -> None:
                dense(rows, outputs)
                activate()

            return step, y

        return stepper

    def _affine(self, x: Array, dense: core.Dense) -> Array:
        if x.ndim == 2:
            return dense(x)
        return dense(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], self.units)

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        dense, _ = self.frozen()
        return self.activation.forward(self._affine(x, dense))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        dense, kernel = self.frozen()
        z = self._affine(x, dense)
        function = activations.linear if call.logits else self.activation
        y = function.forward(z)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dz = function.backward(dy, z, y)
            dx = dz @ kernel.T if call.need_dx else None
            return dx, self._weight_gradients(x, dz) if self.trainable else []

        return y, pullback

    def _weight_gradients(self, x: Array, dz: Array) -> list[Array]:
        rows, dz = x.reshape(-1, x.shape[-1]), dz.reshape(-1, self.units)
        dkernel = rows.T @ dz
        return [dkernel, np.add.reduce(dz, axis=0)] if self.use_bias else [dkernel]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"units": self.units, "activation": activations.serialize(self.activation), "use_bias": self.use_bias}
        return super().get_config() | own
