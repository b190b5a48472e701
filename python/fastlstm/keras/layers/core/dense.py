"""The fully connected layer."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks
from fastlstm.precisions import FULL, for_packing, product

from ...foundation import core
from ...foundation.arrays import Array, Shape, sum_of_rows
from ..affine import Affine
from ..base import Step, Stepper
from ..quantizable import Quantizable


class Dense(Quantizable, Affine):
    """Fully connected layer: ``activation(x @ kernel + bias)`` on the last axis.

    Parameters
    ----------
    units : int
        Size of the last axis of the output.
    activation : str or callable, optional
        Name or `ActivationFunction`; None is linear.
    use_bias : bool
        Whether there is a bias.
    kernel_initializer, bias_initializer : str or Initializer, optional
        Names or initializers of the weights ``kernel (inputs, units)`` and ``bias (units,)``.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Names or regularizers: penalties added to the loss.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Names or constraints, applied after every step of training.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `units` is out of range, what is named is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.Dense(4, activation="relu")
    >>> layer(np.zeros((2, 3))).shape
    (2, 4)
    >>> [weight.shape for weight in layer.get_weights()]
    [(3, 4), (4,)]
    """

    steps_without_time = True

    min_ndim = 2
    matrices: ClassVar[Mapping[str, int]] = {"kernel": 0}
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
        options = {
            "kernel_initializer": kernel_initializer,
            "bias_initializer": bias_initializer,
            "kernel_regularizer": kernel_regularizer,
            "bias_regularizer": bias_regularizer,
            "kernel_constraint": kernel_constraint,
            "bias_constraint": bias_constraint,
        }
        super().__init__(activation, use_bias, options, **kwargs)
        self.units = checks.size(f"{self.name}: units", units)

    def _create_weights(self, input_shape: Shape) -> None:
        self._create_affine((self._known_features(input_shape), self.units), self.units)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output."""
        return (*self._checked_shape(input_shape)[:-1], self.units)

    def _freeze(self, values: tuple[Array, ...]) -> tuple[core.Dense, Array | None]:
        floats = self._floats(values)
        options: dict[str, Any] = {} if self._precision == FULL else {"precision": for_packing(self._precision)}
        return core.Dense(*floats, **options), floats[0] if floats is values else None

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

    def _input_gradient(self, dz: Array, kernel: Array, shape: tuple[int, ...]) -> Array:
        return product(dz.reshape(-1, self.units), kernel.T, self._precision).reshape(shape)

    def _weight_gradients(self, x: Array, dz: Array) -> list[Array]:
        if x.ndim > 2:
            x, dz = x.reshape(-1, x.shape[-1]), dz.reshape(-1, self.units)
        dkernel = product(x.T, dz, self._precision)
        return [dkernel, sum_of_rows(dz)] if self.use_bias else [dkernel]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"units": self.units}
