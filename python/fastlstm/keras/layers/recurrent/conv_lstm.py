"""Long short-term memory whose products are convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastlstm import checks

from ...foundation.arrays import Array, Shape, as_array, shape_text
from ...foundation.data_format import checked_data_format
from ...foundation.trees import leaves, mapped
from ..base import Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback, several
from ..windows import Windows, one_size
from .convolved import ConvolvedWeights
from .lstm import LSTMCell
from .options import CellOptions, RecurrentOptions, shows, split
from .recurrent import OfCell, Recurrent
from .states import States, tree_map

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ConvLSTMCell(LSTMCell):
    """One step of a convolutional long short-term memory, on positions and features side by side in one axis.

    Parameters
    ----------
    filters, kernel_size, strides, padding, data_format, dilation_rate : int; int or tuple of int; str
        See `ConvLSTM1D`.
    activation, recurrent_activation, unit_forget_bias : str or callable; bool
        See `LSTMCell`.
    **options : keyword arguments
        Those of `CellOptions`.
    """

    in_core = False

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        unit_forget_bias: bool = True,
        **options: Unpack[CellOptions],
    ) -> None:
        checks.size("ConvLSTM1D: filters", filters)
        super().__init__(filters, activation, recurrent_activation, unit_forget_bias=unit_forget_bias, **options)
        self.filters = self.units
        self.kernel_size = one_size(f"{self.name}: kernel_size", kernel_size)
        self.strides = one_size(f"{self.name}: strides", strides)
        self.dilation_rate = one_size(f"{self.name}: dilation_rate", dilation_rate)
        lower = padding.lower() if isinstance(padding, str) else padding
        self.padding = checks.one_of(f"{self.name}: padding", lower, ("valid", "same"))
        self.data_format = checked_data_format(f"{self.name}: data_format", data_format)
        self.windows = Windows(*self.kernel_size, *self.strides, self.padding, *self.dilation_rate)
        if self.windows.stride > 1 and self.windows.dilation > 1:
            checks.complain(ValueError, f"{self.name}: strides", "be 1 where dilation_rate is not", self.strides)
        self.positions: tuple[int, int] | None = None

    @property
    def output_size(self) -> int:
        """F for each position of the output; for one before the cell is built."""
        return self.filters * (1 if self.positions is None else self.positions[1])

    @property
    def state_size(self) -> list[int]:
        """`output_size`, twice."""
        return [self.output_size] * 2

    def _create_weights(self, input_shape: Shape) -> None:
        _, positions, features = input_shape
        if not positions or not features:
            must = "have known numbers of positions and features"
            checks.complain(ValueError, f"{self.name}: input_shape", must, shape_text(input_shape))
        self.positions = positions, self.windows.number_in(positions, self.name)
        columns = 4 * self.filters
        self.kernel = self._add_weight((*self.kernel_size, features, columns), "kernel")
        recurrent = (*self.kernel_size, self.filters, columns)
        self.recurrent_kernel = self._add_weight(recurrent, "recurrent_kernel", "recurrent")
        self.bias = self._add_weight(self.bias_shape, "bias", draw=self._bias_start) if self.use_bias else None

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """Let any pass: the layer around the cell sees to it."""

    def _freeze(self, values: tuple[Array, ...]) -> ConvolvedWeights:
        functions = [self.recurrent_activation, self.activation, self.activation]
        assert self.positions is not None
        return ConvolvedWeights(values, functions, self.windows, self.positions[0])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        config = super().get_config() | {name: getattr(self, name) for name in names}
        del config["units"]
        return config


class ConvLSTM1D(Recurrent):
    """Long short-term memory over sequences of rows of positions: products are convolutions along the positions.

    With gates i, f, o = sigmoid and g = tanh, each of ``conv(x_t, kernel) + conv(h_{t-1}, recurrent_kernel) + bias``,
    the equations are those of `LSTMCell`. The convolution of the states keeps their positions: ``"same"``, one by one.

    Parameters
    ----------
    filters : int
        Number of features F of the states at each position.
    kernel_size : int or tuple of int
        Number of positions that a window takes.
    strides : int or tuple of int
        Number of positions from one window of the inputs to the next.
    padding : str
        ``"valid"`` or ``"same"``, of the inputs; see `Conv1D`.
    data_format : str, optional
        ``"channels_last"``, or None for it.
    dilation_rate : int or tuple of int
        Number of positions from one that a window of the inputs takes to the next; other than 1 only with `strides`
        of 1.
    activation, recurrent_activation, unit_forget_bias : str or callable; bool
        See `LSTMCell`.
    **options : keyword arguments
        Those of `RecurrentOptions`. The weights are ``kernel (kernel_size, C, 4F)``,
        ``recurrent_kernel (kernel_size, F, 4F)`` and ``bias (4F,)``, with the gates in the order i, f, g, o.

    Raises
    ------
    ValueError
        If `filters`, `kernel_size`, `strides` or `dilation_rate` is out of range, what is named is unknown, or
        inputs have another shape.
    TypeError
        If an argument has another type.

    Notes
    -----
    Inputs are ``(N, T, positions, C)``; outputs ``(N, T, new positions, F)`` with `return_sequences`, else without T.
    The number of positions must be known. Steps are taken one by one in Python; the convolutions run in the compiled
    core.

    References
    ----------
    Shi et al., Convolutional LSTM Network: A Machine Learning Approach for Precipitation Nowcasting, 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.ConvLSTM1D(6, 3, padding="same")(np.ones((2, 5, 8, 3))).shape
    (2, 8, 6)
    """

    ndim = 4
    cell: ConvLSTMCell

    filters = OfCell()
    kernel_size = OfCell()
    strides = OfCell()
    padding = OfCell()
    data_format = OfCell()
    dilation_rate = OfCell()
    unit_forget_bias = OfCell()

    @shows(RecurrentOptions)
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        unit_forget_bias: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        geometry = kernel_size, strides, padding, data_format, dilation_rate
        inner, outer = split(options, "conv_lstm_cell", unit_forget_bias=unit_forget_bias)
        super().__init__(ConvLSTMCell(filters, *geometry, activation, recurrent_activation, **inner), **outer)

    def _axes_text(self) -> str:
        return " (batch, time, positions, features)"

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """See `Layer.check_input_shape`; the positions must be those that the layer was built for."""
        super().check_input_shape(shape, name)
        if self.input_shape is not None and shape[2] not in (None, self.input_shape[2]):
            wanted = shape_text((None, None, *self.input_shape[2:]))
            checks.refuse_shape(f"{self.name}: {name}", wanted, shape_text(shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output; with `return_state` a list with those of the states."""
        shapes = several(input_shape)
        rows, steps, positions, _ = self._checked_shape(shapes[0])
        count = None if positions is None else self.cell.windows.number_in(positions, self.name)
        state = (rows, count, self.cell.filters)
        self._check_state_shapes(shapes[1:], state)
        shape = (rows, steps, *state[1:]) if self.return_sequences else state
        return [shape, state, state] if self.return_state else shape

    def _check_state_shapes(self, given: list[Shape], state: Shape = ()) -> None:
        wanted = [state[1:]] * 2
        if given and [tuple(shape[1:]) for shape in given] != wanted:
            got = ", ".join(map(shape_text, given))
            must = f"have the shapes {[(None, *shape) for shape in wanted]}"
            checks.complain(ValueError, f"{self.name}: initial_state", must, got)

    def forward(self, x: Any, call: Call = INFERENCE, out: Array | None = None) -> Any:
        """See `RNN.forward`."""
        return mapped(self._apart, super().forward(mapped(_together, x), call, out))

    def vjp(self, x: Any, call: Call = TRAINING, out: Array | None = None) -> tuple[Any, Pullback]:
        """See `Layer.vjp`."""
        y, inner = super().vjp(mapped(_together, x), call, out)

        def pullback(dy: Any) -> tuple[Any, list[Array]]:
            dx, gradients = inner(mapped(_together, dy))
            shapes = iter([part.shape for part in leaves(x)])
            return mapped(lambda part: _in_shape(part, next(shapes)), dx), gradients

        return mapped(self._apart, y), pullback

    def step_function(self) -> Stepper:
        """See `Layer.step_function`."""
        inner = super().step_function()

        def stepper(x: Array) -> tuple[Step, Array]:
            step, y = inner(x.reshape(len(x), -1))
            return step, self._apart(y)

        return stepper

    def checked_start(self, given: Any, rows: int, name: str | None = None) -> States:
        """See `RNN.checked_start`; these have positions and features apart."""
        name = name or f"{self.name}: initial_state"
        if not isinstance(given, list | tuple) or len(given) != 2:
            checks.refuse_count(name, "a list of 2 arrays", given)
        assert self.cell.positions is not None
        shape = rows, self.cell.positions[1], self.cell.filters
        arrays = tuple(as_array(part, name, self.dtype) for part in given)
        for array in arrays:
            if array.shape != shape:
                checks.refuse_shape(name, shape, array.shape)
        return arrays

    def _grown_start(self, given: list[Array], rows: int) -> States:
        return super().checked_start(given, rows)

    def start_of(self, rows: int, given: list[Array] | None = None) -> States | None:
        """See `RNN.start_of`."""
        start = super().start_of(rows, given)
        return None if start is None else tree_map(lambda part: part.reshape(rows, -1), start)

    def keep_states(self, states: States) -> None:
        """See `RNN.keep_states`."""
        super().keep_states(tree_map(self._apart, states))

    def _apart(self, y: Array) -> Array:
        return y.reshape(*y.shape[:-1], -1, self.cell.filters)


def _together(x: Array | None) -> Array | None:
    """Put positions and features side by side."""
    return None if x is None else x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


def _in_shape(x: Array | None, shape: Shape) -> Array | None:
    return None if x is None else x.reshape(shape)  # type: ignore[arg-type]
