"""Fully connected recurrent network: cell and layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import activations
from ...activations import ActivationFunction
from .cell import RecurrentCell
from .options import CellOptions, RecurrentOptions, shows, split
from .recurrent import Recurrent

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SimpleRNNCell(RecurrentCell):
    """One step of a fully connected recurrent network.

    ``h_t = activation(x_t @ kernel + h_{t-1} @ recurrent_kernel + bias)``.

    Parameters
    ----------
    units : int
        Hidden size H.
    activation : str or callable, optional
        See `LSTMCell`. ``"tanh"`` and ``"relu"`` have the fastest kernel.
    **options : keyword arguments
        Those of `CellOptions`.

    Raises
    ------
    ValueError
        If `units` is out of range, `activation` is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    References
    ----------
    Elman, Finding Structure in Time, Cognitive Science 14(2), 1990.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.RNN([layers.SimpleRNNCell(4), layers.SimpleRNNCell(2)])
    >>> layer(np.zeros((2, 5, 3))).shape
    (2, 2)
    """

    activation: ActivationFunction

    @shows(CellOptions)
    def __init__(self, units: int, activation: Any = "tanh", **options: Unpack[CellOptions]) -> None:
        super().__init__(units, **options)
        self._set_activations(activation=activation)

    @property
    def core_name(self) -> str:
        """``rnn_tanh``, ``rnn_relu``, or ``rnn`` for another activation."""
        return "rnn" if self.core_activations else f"rnn_{self.activation.name}"

    @property
    def core_activations(self) -> list[ActivationFunction] | None:
        """The activation, if it is not in the name of the core's cell."""
        return None if self.activation in (activations.tanh, activations.relu) else [self.activation]


class SimpleRNN(Recurrent):
    """Fully connected recurrent layer: a `SimpleRNNCell` at every step; see there for the equation.

    Parameters
    ----------
    units, activation : int; str or callable
        See `SimpleRNNCell`.
    **options : keyword arguments
        Those of `RecurrentOptions`: about the weights, about the sequence, and those of `Layer`. With `return_state` a
        call on arrays gives ``[output, h]``.

    Raises
    ------
    ValueError
        If `units` is out of range, `activation` is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.SimpleRNN(4)
    >>> layer(np.zeros((2, 5, 3))).shape
    (2, 4)
    """

    @shows(RecurrentOptions)
    def __init__(self, units: int, activation: Any = "tanh", **options: Unpack[RecurrentOptions]) -> None:
        inner, outer = split(options, "simple_rnn_cell")
        super().__init__(SimpleRNNCell(units, activation, **inner), **outer)
