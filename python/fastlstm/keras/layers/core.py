"""Layers without time: Input, Dense, Activation, Dropout, Flatten."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import _core, checks

from .. import activations
from ..activations import ActivationFunction
from ..arrays import Array, Shape, as_batch_shape, as_shape
from ..lookup import checked_name
from ..random import generator, safe_at_forks
from ..variable import Variable
from .base import Layer, Pullback, Step, Stepper

FUSABLE = ("softmax", "sigmoid")


class InputLayer:
    """The shape of a model's input; see `Input`."""

    def __init__(
        self,
        shape: tuple[int | None, ...] | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
        batch_shape: Shape | None = None,
    ) -> None:
        if (shape is None) == (batch_shape is None):
            given = f"shape={checks.shown(shape)}, batch_shape={checks.shown(batch_shape)}"
            raise ValueError(f"Input: give either shape or batch_shape, got {given}")
        rows = None if batch_size is None else checks.whole_number("Input: batch_size", batch_size, at_least=1)
        if batch_shape is not None:
            self.batch_shape = as_batch_shape(batch_shape, "Input: batch_shape")
        else:
            self.batch_shape = rows, *as_shape(shape if isinstance(shape, list | tuple) else (shape,), "Input: shape")
        self.dtype = checks.any_dtype("Input: dtype", np.float32 if dtype is None else dtype)
        self.name = checked_name(name, "Input") or "input_layer"


def Input(  # noqa: N802 - Keras' name
    shape: tuple[int | None, ...] | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    batch_shape: Shape | None = None,
) -> InputLayer:
    """Say the shape of a model's input.

    Parameters
    ----------
    shape
        Shape of one sample, without the batch axis; None for an axis that may vary. A number is the size of one axis.
    batch_size
        Fixed number of rows, for stateful layers.
    dtype, name
        Kept for Keras programs; layers cast their input themselves.
    batch_shape
        Shape with the batch axis, in place of `shape`.

    Returns
    -------
    InputLayer
        To be the first layer of a `Sequential`.
    """
    return InputLayer(shape, batch_size, dtype, name, batch_shape)


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

    def _freeze(self, values: tuple[Array, ...]) -> tuple[_core.Dense, Array]:
        return _core.Dense(*values), values[0]

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

    def _affine(self, x: Array, dense: _core.Dense) -> Array:
        if x.ndim == 2:
            return dense(x)
        return dense(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], self.units)

    def forward(self, x: Array, *, training: bool = False, mask: Array | None = None) -> Array:
        """Compute the output; see `Layer.forward`."""
        dense, _ = self.frozen()
        return self.activation.forward(self._affine(x, dense))

    def vjp(
        self,
        x: Array,
        *,
        training: bool = True,
        mask: Array | None = None,
        need_dx: bool = True,
        logits: bool = False,
    ) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        dense, kernel = self.frozen()
        z = self._affine(x, dense)
        function = activations.linear if logits else self.activation
        y = function.forward(z)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dz = dy if function is activations.linear else function.backward(dy, z, y)
            dx = dz @ kernel.T if need_dx else None
            return dx, self._weight_gradients(x, dz) if self.trainable else []

        return y, pullback

    def _weight_gradients(self, x: Array, dz: Array) -> list[Array]:
        rows, dz = x.reshape(-1, x.shape[-1]), dz.reshape(-1, self.units)
        dkernel = rows.T @ dz
        return [dkernel, np.add.reduce(dz, axis=0)] if self.use_bias else [dkernel]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"units": self.units, "activation": self.activation.name, "use_bias": self.use_bias}
        return super().get_config() | own


class Activation(Layer):
    """Apply an activation function.

    Parameters
    ----------
    activation
        Name or `ActivationFunction`.
    **kwargs
        Those of `Layer`.
    """

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

    def forward(self, x: Array, *, training: bool = False, mask: Array | None = None) -> Array:
        """Compute the output; see `Layer.forward`."""
        return self.activation.forward(x)

    def vjp(
        self,
        x: Array,
        *,
        training: bool = True,
        mask: Array | None = None,
        need_dx: bool = True,
        logits: bool = False,
    ) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        function: ActivationFunction = activations.linear if logits else self.activation
        y = function.forward(x)
        return y, lambda dy: (function.backward(dy, x, y), [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"activation": self.activation.name}


class Dropout(Layer):
    """While training, set a fraction of the inputs to zero and scale the others up.

    Parameters
    ----------
    rate
        Fraction to drop, from 0 to 1.
    noise_shape
        Shape of the drawn mask; axes of length 1 are dropped together. None: the input's shape.
    seed
        Seed of the layer's own generator; None: the shared one draws.
    **kwargs
        Those of `Layer`.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = checks.fraction(f"{self.name}: rate", rate)
        self.noise_shape = None if noise_shape is None else as_shape(noise_shape, f"{self.name}: noise_shape")
        self.seed = checks.seed(f"{self.name}: seed", seed)
        self._generator = None if seed is None else np.random.default_rng(self.seed)

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; nothing is dropped."""
        return lambda x: (lambda: None, x)

    def _keep(self, x: Array) -> Array | None:
        if self.rate == 0:
            return None
        shape = x.shape
        if self.noise_shape is not None:
            shape = self._noise_shape(x.shape)
        return dropout_mask(self._generator or generator(), shape, self.rate, x.dtype)

    def _noise_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        wanted = self.noise_shape or ()
        if len(wanted) != len(shape) or any(n not in (None, 1, s) for s, n in zip(shape, wanted, strict=True)):
            fits = f"{len(shape)} sizes, each None, 1 or that of x {shape}"
            checks.refuse(ValueError, f"{self.name}: noise_shape", fits, wanted)
        return tuple(s if n is None else n for s, n in zip(shape, wanted, strict=True))

    def forward(self, x: Array, *, training: bool = False, mask: Array | None = None) -> Array:
        """Compute the output; see `Layer.forward`."""
        keep = self._keep(x) if training else None
        return x if keep is None else x * keep

    def vjp(
        self,
        x: Array,
        *,
        training: bool = True,
        mask: Array | None = None,
        need_dx: bool = True,
        logits: bool = False,
    ) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        keep = self._keep(x) if training else None
        if keep is None:
            return x, lambda dy: (dy, [])
        return x * keep, lambda dy: (dy * keep, [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}


def dropout_mask(source: np.random.Generator, shape: tuple[int, ...], rate: float, dtype: np.dtype[Any]) -> Array:
    """Zeros with probability `rate`, elsewhere the factor that keeps the mean."""
    if rate >= 1:
        return np.zeros(shape, dtype)
    kept = safe_at_forks(source).random(shape, dtype=np.float32) >= rate
    result: Array = kept * dtype.type(1 / (1 - rate))
    return result


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

    def forward(self, x: Array, *, training: bool = False, mask: Array | None = None) -> Array:
        """Compute the output; see `Layer.forward`."""
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))

    def vjp(
        self,
        x: Array,
        *,
        training: bool = True,
        mask: Array | None = None,
        need_dx: bool = True,
        logits: bool = False,
    ) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        return self.forward(x), lambda dy: (dy.reshape(x.shape), [])
