"""Convolution over time, the other way."""

from typing import Any

from fastlstm import checks

from ...foundation import core
from ...foundation.arrays import Array, Shape
from .adjoint import Adjoint
from .convolution import Convolution


class Conv1DTranspose(Convolution):
    """Transposed convolution: what `Conv1D` makes windows of, from the windows; with `strides` longer than its input.

    Each step of the input adds its product with the kernel to the steps of the output that a window would take.

    Parameters
    ----------
    filters : int
        Number of features of the output.
    kernel_size : int or tuple of int
        Number of steps that an input step is spread over.
    strides : int or tuple of int
        Number of steps of the output for one of the input.
    padding : str
        ``"valid"``: all steps that an input is spread to. ``"same"``: `strides` steps for each of the input, cut at
        both ends.
    output_padding : None
        None; other lengths are not supported. A ``ZeroPadding1D`` or ``Cropping1D`` behind makes them.
    data_format : str, optional
        ``"channels_last"``, or None for it.
    dilation_rate : int or tuple of int
        Number of steps from one that an input step is spread to, to the next; other than 1 only with `strides` of 1.
    activation : str or callable, optional
        Name or `ActivationFunction`; None is linear.
    use_bias : bool
        Whether there is a bias.
    kernel_initializer, bias_initializer : str or Initializer, optional
        Names or initializers of the weights ``kernel (kernel_size, filters, features)`` and ``bias (filters,)``.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Names or regularizers: penalties added to the loss.
    kernel_constraint, bias_constraint : str or Constraint, optional
        Names or constraints, applied after every step of training.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `filters`, `kernel_size`, `strides` or `dilation_rate` is out of range, what is named is unknown, or
        inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> x = np.array([[[1.0], [4.0], [3.0]]])
    >>> layers.Conv1DTranspose(1, 3, strides=2, kernel_initializer="ones")(x).ravel().tolist()
    [1.0, 1.0, 5.0, 4.0, 7.0, 3.0, 3.0]
    """

    paddings = ("valid", "same")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: None = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        if output_padding is not None:
            raise NotImplementedError(
                f"{self.name}: output_padding must be None, got {checks.shown(output_padding)}; "
                "put a ZeroPadding1D or a Cropping1D behind"
            )
        self._before, _ = self._windows.ends(self._windows.stride)

    def _create_weights(self, input_shape: Shape) -> None:
        self._create_affine((*self.kernel_size, self.filters, self._known_features(input_shape)), self.filters)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output, with about `strides` times the steps."""
        rows, steps, _ = self._checked_shape(input_shape)
        return (rows, None if steps is None else self._steps(steps), self.filters)

    def _steps(self, windows: int) -> int:
        """Return the number of steps that so many windows are made of."""
        if self.padding == "same" or windows == 0:
            return windows * self._windows.stride
        return (windows - 1) * self._windows.stride + max(self._windows.span, self._windows.stride)

    def _freeze(self, values: tuple[Array, ...]) -> tuple[Adjoint, Array]:
        kernel, *bias = values
        return Adjoint(kernel, self._windows, self._before, 1, *bias), kernel

    def _affine(self, x: Array, product: Adjoint) -> Array:
        return product(x, self._steps(x.shape[1]))

    def _input_gradient(self, dz: Array, kernel: Array, shape: tuple[int, ...]) -> Array:
        (_, stride, _, dilation), convolution = self._windows, core.Convolution(kernel)
        return convolution(dz, -self._before, shape[1], stride, dilation)

    def _weight_gradients(self, x: Array, dz: Array) -> list[Array]:
        taps, stride, _, dilation = self._windows
        dkernel, _ = core.convolution_gradients(dz, x, taps, -self._before, stride, dilation)
        return [dkernel, dz.sum(axis=(0, 1))] if self.use_bias else [dkernel]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"output_padding": None}


Convolution1DTranspose = Conv1DTranspose
