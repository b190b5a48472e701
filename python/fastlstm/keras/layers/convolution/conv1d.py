"""Convolution over time."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation import core
from ...foundation.arrays import Array, Shape
from ..affine import Affine
from ..base import Step, Stepper
from ..data_format import checked_data_format
from ..history import History, StepWithHistory
from ..windows import PADDINGS, Windows, one_size


class Conv1D(Affine):
    """Convolution over time: each output step is ``activation(sum of window * kernel + bias)``.

    A mask is not looked at, and ends here, as in Keras.

    Parameters
    ----------
    filters
        Number of features of the output.
    kernel_size
        Number of steps that a window takes.
    strides
        Number of steps from one window to the next.
    padding
        ``"valid"``: only whole windows. ``"same"``: zeros at both ends, so that with `strides` of 1 there are as many
        windows as steps. ``"causal"``: zeros before the first step, so that no output sees a later step.
    data_format
        ``"channels_last"``, or None for it.
    dilation_rate
        Number of steps from one that a window takes to the next; other than 1 only with `strides` of 1.
    groups
        Number of equal parts of the features, and of the filters, each of which sees one part of the features alone.
    activation
        Name or `ActivationFunction`; None is linear.
    use_bias
        Whether there is a bias.
    kernel_initializer, bias_initializer
        Names or initializers of the weights ``kernel (kernel_size, features / groups, filters)`` and
        ``bias (filters,)``.
    kernel_regularizer, bias_regularizer
        Names or regularizers: penalties added to the loss.
    kernel_constraint, bias_constraint
        Names or constraints, applied after every step of training.
    **kwargs
        Those of `Layer`.

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

    ndim = 3
    mask_ndim = 2
    over_time = True
    keras_past: ClassVar[Mapping[str, Any]] = {"lora_rank": None, "lora_alpha": None}

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
        super().__init__(activation, use_bias, options, **kwargs)
        self.filters = checks.size(f"{self.name}: filters", filters)
        self.kernel_size = one_size(f"{self.name}: kernel_size", kernel_size)
        self.strides = one_size(f"{self.name}: strides", strides)
        self.dilation_rate = one_size(f"{self.name}: dilation_rate", dilation_rate)
        lower = padding.lower() if isinstance(padding, str) else padding
        self.padding = checks.one_of(f"{self.name}: padding", lower, PADDINGS)
        self.data_format = checked_data_format(f"{self.name}: data_format", data_format)
        self.groups = checks.size(f"{self.name}: groups", groups)
        self._windows = Windows(*self.kernel_size, *self.strides, self.padding, *self.dilation_rate)
        self._check_sizes()

    def _check_sizes(self) -> None:
        if self.filters % self.groups:
            must = f"divide the {self.filters} filters"
            checks.complain(ValueError, f"{self.name}: groups", must, self.groups)
        if self._windows.stride > 1 and self._windows.dilation > 1:
            must = "be 1 where dilation_rate is not"
            checks.complain(ValueError, f"{self.name}: strides", must, self.strides)

    def _axes_text(self) -> str:
        return " (batch, time, features)"

    def _create_weights(self, input_shape: Shape) -> None:
        features = self._known_features(input_shape)
        if features % self.groups:
            checks.complain(ValueError, f"{self.name}: groups", f"divide the {features} features", self.groups)
        self._create_affine((*self.kernel_size, features // self.groups, self.filters))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, number of windows, filters)``."""
        rows, steps, _ = self._checked_shape(input_shape)
        return (rows, None if steps is None else self._windows.number_in(steps, self.name), self.filters)

    def compute_mask(self, x: Array, mask: Array | None = None) -> None:
        """None: the output has other time steps."""
        return None

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
            return StepWithHistory(lambda: run_on(history.add(x)), history), y[:, 0]

        return stepper

    def _input_gradient(self, dz: Array, kernel: Array, shape: tuple[int, ...]) -> Array:
        """Return the gradient of an input: a convolution of `dz` for each phase of the stride.

        Step u of the input is under tap k of window w if ``u + before = w * stride + k * dilation``. With a stride the
        steps of one phase are under every stride-th tap only.
        """
        steps, (_, stride, _, dilation) = shape[1], self._windows
        before, _ = self._windows.ends(steps)
        dx = core.empty(shape, dz.dtype)
        turned = _turned(kernel, self.groups)
        for phase in range(min(stride, steps)):
            first, tap = divmod(phase + before, stride)
            taps = turned[tap::stride][::-1]
            part = dx[:, phase::stride]
            if len(taps):
                adjoint = core.Convolution(taps, groups=self.groups)
                adjoint(dz, first - (len(taps) - 1) * dilation, part.shape[1], 1, dilation, part)
            else:
                part[...] = 0
        return dx

    def _weight_gradients(self, x: Array, dz: Array) -> list[Array]:
        (taps, stride, _, dilation), (before, _) = self._windows, self._windows.ends(x.shape[1])
        gradients = core.convolution_gradients(x, dz, taps, -before, stride, dilation, self.groups)
        return list(gradients) if self.use_bias else [gradients[0]]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups")
        own = {name: getattr(self, name) for name in names}
        return {"activity_regularizer": None} | super().get_config() | own


def _turned(kernel: Array, groups: int) -> Array:
    """Return a kernel ``(taps, inputs / groups, outputs)`` with inputs and outputs of each group exchanged."""
    taps, inputs, outputs = kernel.shape
    by_group = kernel.reshape(taps, inputs, groups, outputs // groups)
    return by_group.transpose(0, 3, 2, 1).reshape(taps, outputs // groups, groups * inputs)


Convolution1D = Conv1D
