"""Gated recurrent unit: cell and layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlstm import checks

from ... import activations
from ...activations import ActivationFunction
from ...foundation.arrays import Array
from .cell import RecurrentCell
from .loop import Reading
from .options import CellOptions, RecurrentOptions, shows, split
from .recurrent import OfCell, Recurrent
from .states import States
from .two_biases import as_rows

if TYPE_CHECKING:
    from typing_extensions import Unpack


class GRUCell(RecurrentCell):
    """One step of a gated recurrent unit.

    With gates z, r = sigmoid of ``x_t @ kernel + h_{t-1} @ recurrent_kernel + bias``::

        n_t = tanh(x_t @ kernel_n + bias_n + r * (h_{t-1} @ recurrent_kernel_n + recurrent_bias_n))
        h_t = z * h_{t-1} + (1 - z) * n_t

    Without `reset_after` it is ``(r * h_{t-1}) @ recurrent_kernel_n``, and there is one bias only.

    Parameters
    ----------
    units : int
        Hidden size H.
    activation : str or callable, optional
        Of n, in place of tanh; see `LSTMCell`.
    recurrent_activation : str or callable, optional
        Of the gates z and r, in place of sigmoid.
    reset_after : bool
        Whether the reset gate r acts after the product with the recurrent kernel or before it.
    **options : keyword arguments
        Those of `CellOptions`. The columns of the weights hold the gates in the order z, r, n; the bias is ``(2, 3H)``,
        of the inputs and of the states, or ``(3H,)`` without `reset_after`.

    Raises
    ------
    ValueError
        If `units` is out of range, `activation` or `recurrent_activation` is unknown, or inputs have another
        shape.
    TypeError
        If an argument has another type.

    Notes
    -----
    The bias may be set by the two of a ``CuDNNGRU``, ``(6H,)``, too.

    References
    ----------
    Cho et al., Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.RNN(layers.GRUCell(4))
    >>> layer(np.zeros((2, 5, 3))).shape
    (2, 4)
    """

    gates = 3
    activation: ActivationFunction
    recurrent_activation: ActivationFunction

    @shows(CellOptions)
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        reset_after: bool = True,
        **options: Unpack[CellOptions],
    ) -> None:
        super().__init__(units, **options)
        self._set_activations(activation=activation, recurrent_activation=recurrent_activation)
        self.reset_after = checks.truth(f"{self.name}: reset_after", reset_after)

    @property
    def core_name(self) -> str:
        """``gru`` or ``gru_reset_before``."""
        return "gru" if self.reset_after else "gru_reset_before"

    @property
    def core_activations(self) -> list[ActivationFunction] | None:
        """Those of the gates and of n."""
        found = [self.recurrent_activation, self.activation]
        return None if found == [activations.sigmoid, activations.tanh] else found

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """``(2, 3H)``, or ``(3H,)`` without `reset_after`."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    @property
    def _two_biases(self) -> Callable[[Array, tuple[int, ...]], Array] | None:
        return as_rows if self.reset_after else None

    def _freeze(self, values: tuple[Array, ...]) -> Any:
        kernel, recurrent, *bias = map(_swap_gates, self._floats(values))
        return self._packed([kernel, recurrent, *_bias_rows(bias)])

    def _backward(
        self, tape: Any, dy: Array | None, dstates: States | None, dx: Array | None, reading: Reading | None = None
    ) -> tuple[list[Array], States]:
        gradients = self._empty_gradients()
        parts = [*gradients[:2], *_bias_rows(gradients[2:])]
        dstart = self._walk_back(tape, dy, dstates, dx, parts, reading)
        return list(map(_swap_gates, gradients)), dstart

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"reset_after": self.reset_after}


class GRU(Recurrent):
    """Gated recurrent unit: a `GRUCell` at every step; see there for the equations.

    Parameters
    ----------
    units, activation, recurrent_activation, reset_after : int; str or callable; bool
        See `GRUCell`.
    **options : keyword arguments
        Those of `RecurrentOptions`: about the weights, about the sequence, and those of `Layer`. With `return_state` a
        call on arrays gives ``[output, h]``.

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
    >>> layer = layers.GRU(4, return_sequences=True)
    >>> layer(np.zeros((2, 5, 3))).shape
    (2, 5, 4)
    """

    reset_after = OfCell()

    @shows(RecurrentOptions)
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *,
        reset_after: bool = True,
        **options: Unpack[RecurrentOptions],
    ) -> None:
        inner, outer = split(options, "gru_cell", reset_after=reset_after)
        super().__init__(GRUCell(units, activation, recurrent_activation, **inner), **outer)


def _bias_rows(bias: list[Array]) -> list[Array]:
    """Return the bias of the inputs and, if there is one, that of the states."""
    return [row for array in bias for row in (array if array.ndim == 2 else [array])]


def _swap_gates(values: Array) -> Array:
    """From the order z, r, n of the columns here to the core's r, z, n, or back."""
    units = values.shape[-1] // 3
    z, r, n = values[..., :units], values[..., units : 2 * units], values[..., 2 * units :]
    return np.concatenate([r, z, n], axis=-1)
