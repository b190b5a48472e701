"""Long short-term memory: cell and layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastlstm import checks

from ... import activations
from ...activations import ActivationFunction
from ...foundation.arrays import Array
from .cell import RecurrentCell
from .options import CellOptions, RecurrentOptions, shows, split
from .recurrent import OfCell, Recurrent
from .two_biases import as_sum

if TYPE_CHECKING:
    from typing_extensions import Unpack


class LSTMCell(RecurrentCell):
    """One step of a long short-term memory.

    With gates i, f, o = sigmoid and g = tanh, each of ``x_t @ kernel + h_{t-1} @ recurrent_kernel + bias``::

        c_t = f * c_{t-1} + i * g
        h_t = o * tanh(c_t)

    Parameters
    ----------
    units : int
        Hidden size H.
    activation : str or callable, optional
        Of g and of the cell state in the output, in place of tanh: a name, a function written with `ops`, an
        `ActivationFunction`, or a layer without weights such as ``LeakyReLU()``; None is linear.
    recurrent_activation : str or callable, optional
        Of the gates i, f and o, in place of sigmoid.
    unit_forget_bias : bool
        Start the bias of the forget gate at one.
    **options : keyword arguments
        Those of `CellOptions`. The columns of the weights hold the gates in the order i, f, g, o.

    Raises
    ------
    ValueError
        If `units` is out of range, `activation` or `recurrent_activation` is unknown, or inputs have another
        shape.
    TypeError
        If an argument has another type.

    Notes
    -----
    The two standard activations have the fastest kernel. With others named in `activations.CORE` the cell runs in the
    compiled core too; with any that is not, step by step in NumPy, at the speed of Python.

    The bias may be set by the two of a ``CuDNNLSTM``, ``(8H,)``: they are added up.

    References
    ----------
    Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation 9(8), 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> cell = layers.LSTMCell(4)
    >>> output, (h, c) = cell(np.ones((2, 3)), cell.get_initial_state(2))
    >>> output.shape, c.shape
    ((2, 4), (2, 4))
    >>> layers.RNN(cell)(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    gates = 4
    state_names = ("h", "c")
    activation: ActivationFunction
    recurrent_activation: ActivationFunction

    @shows(CellOptions)
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        unit_forget_bias: bool = True,
        **options: Unpack[CellOptions],
    ) -> None:
        super().__init__(units, **options)
        self._set_activations(activation=activation, recurrent_activation=recurrent_activation)
        self.unit_forget_bias = checks.truth(f"{self.name}: unit_forget_bias", unit_forget_bias)

    @property
    def core_name(self) -> str:
        """``lstm``."""
        return "lstm"

    @property
    def core_activations(self) -> list[ActivationFunction] | None:
        """Those of the gates, the candidate and the output."""
        found = [self.recurrent_activation, self.activation, self.activation]
        return None if found[:2] == [activations.sigmoid, activations.tanh] else found

    @property
    def _two_biases(self) -> Callable[[Array, tuple[int, ...]], Array]:
        return as_sum

    def _bias_start(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        bias = super()._bias_start(shape, dtype)
        if self.unit_forget_bias:
            bias = bias.copy()
            bias[self.units : 2 * self.units] = 1
        return bias

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"unit_forget_bias": self.unit_forget_bias}


class LSTM(Recurrent):
    """Long short-term memory: an `LSTMCell` at every step; see there for the equations.

    Parameters
    ----------
    units, activation, recurrent_activation, unit_forget_bias : int; str or callable; bool
        See `LSTMCell`.
    **options : keyword arguments
        Those of `RecurrentOptions`: about the weights, about the sequence, and those of `Layer`. With `return_state` a
        call on arrays gives ``[output, h, c]``.

    Raises
    ------
    ValueError
        If `units` is out of range, `activation` or `recurrent_activation` is unknown, or inputs have another
        shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.LSTM(4, return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    unit_forget_bias = OfCell()

    @shows(RecurrentOptions)
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        unit_forget_bias: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        inner, outer = split(options, "lstm_cell", unit_forget_bias=unit_forget_bias)
        super().__init__(LSTMCell(units, activation, recurrent_activation, **inner), **outer)
