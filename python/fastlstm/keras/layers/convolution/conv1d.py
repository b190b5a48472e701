"""Convolution over time."""

from functools import partial
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation import core
from ...foundation.arrays import Array, Shape
from ..base import Step, Stepper
from ..history import History, StepWithMemory
from ..windows import PADDINGS
from .adjoint import Adjoint
from .convolution import Convolution


class Conv1D(Convolution):
    """Convolution over time: each output step is ``activation(sum of window * kernel + bias)``.

    A mask is not looked at, and ends here, as in Keras.

    Parameters
    ----------
    filters : int
        Number of features of the output.
    kernel_size : int or tuple of int
        Number of steps that a window takes.
    strides : int or tuple of int
        Number of steps from one window to the next.
    padding : str
        ``"valid"``: only whole windows. ``"same"``: zeros at both ends, so that with `strides` of 1 there are as many
        windows as steps. ``"causal"``: zeros before the first step, so that no output sees a later step.
    data_format : str, optional
        ``"channels_last"``, or None for it.
    dilation_rate : int or tuple of int
        Number of steps from one that a window takes to the next; other than 1 only with `strides` of 1.
    groups : int
        Number of equal parts of the features, and of the filters, each of which sees one part of the features alone.
    activation : str or callable, optional
        Name or `ActivationFunction`; None is linear.
    use_bias : bool
        Whether there is a bias.
    kernel_initializer, bias_initializer : str or Initializer, optional
        Names or initializers of the weights ``kernel (kernel_size, features / groups, filters)`` and
        ``bias (filters,)``.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Names or regularizers: penalties added to the loss.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Names or constraints, applied after every step of training.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If a number is out of range, what is named is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> x = np.array([[[1.0], [4.0], [3.0], [2.0]]])
    >>> layers.Conv1D(1, 2, kernel_initializer="ones")(x).ravel().tolist()
    [5.0, 7.0, 5.0]
    >>> layers.Conv1D(1, 2, padding="causal", kernel_initializer="ones")(x).ravel().tolist()
    [1.0, 5.0, 7.0, 5.0]
    """

    paddings = PADDINGS

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            options,
            **kwargs,
        )
        self.groups = checks.size(f"{self.name}: groups", groups)
        if self.filters % self.groups:
            checks.complain(ValueError, f"{self.name}: groups", f"divide the {self.filters} filters", self.groups)

    def _create_weights(self, input_shape: Shape) -> None:
        features = self._known_features(input_shape)
        if features % self.groups:
            checks.complain(ValueError, f"{self.name}: groups", f"divide the {features} features", self.groups)
        self._create_affine((*self.kernel_size, features // self.groups, self.filters), self.filters)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, number of windows, filters)``."""
        rows, steps, _ = self._checked_shape(input_shape)
        return (rows, None if steps is None else self._windows.number_in(steps, self.name), self.filters)

    def _freeze(self, values: tuple[Array, ...]) -> tuple[core.Convolution, Array]:
        return core.Convolution(*values, groups=self.groups), values[0]

    def _affine(self, x: Array, product: core.Convolution) -> Array:
        steps = x.shape[1]
        count, (before, _) = self._windows.number_in(steps, self.name), self._windows.ends(steps)
        return product(x, -before, count, self._windows.stride, self._windows.dilation)

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; a window must end at its step."""
        if self.strides != (1,) or (self.padding != "causal" and self.kernel_size != (1,)):
            must = "have padding='causal' and strides=1 to be streamed, so that windows end at their steps"
            checks.complain(ValueError, self.name, must, f"padding={self.padding!r} and strides={self.strides}")
        product, _ = self.frozen()
        span, dilation = self._windows.span, self._windows.dilation

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty((len(x), 1, self.filters), self.dtype)
            activate = self.activation.bind(y)

            def run_on(window: Array) -> None:
                product(window, 0, 1, 1, dilation, y)
                activate()

            if span == 1:
                return partial(run_on, x[:, None]), y[:, 0]
            history = History(x, span)
            return StepWithMemory(lambda: run_on(history.add(x)), history), y[:, 0]

        return stepper

    def _input_gradient(self, dz: Array, kernel: Array, shape: tuple[int, ...]) -> Array:
        before, _ = self._windows.ends(shape[1])
        return Adjoint(kernel, self._windows, before, self.groups)(dz, shape[1])

    def _weight_gradients(self, x: Array, dz: Array) -> list[Array]:
        (taps, stride, _, dilation), (before, _) = self._windows, self._windows.ends(x.shape[1])
        gradients = core.convolution_gradients(x, dz, taps, -before, stride, dilation, self.groups)
        return list(gradients) if self.use_bias else [gradients[0]]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"groups": self.groups}


Convolution1D = Conv1D
