"""What a backward pass gives."""

from __future__ import annotations

from typing import NamedTuple

from .arrays import Array, States

PARAMETERS = "weight_ih", "weight_hh", "bias", "recurrent_bias", "weight_hr", "peepholes"


class Gradients(NamedTuple):
    """Gradients of a scalar with respect to everything that went into a forward pass, each in its shape.

    What a cell does not have is None: only the LSTM has a cell state ``c_0``, only the GRU a second bias
    ``recurrent_bias``, and an LSTM has ``weight_hr`` and ``peepholes`` if it was given them. For a single step ``x``,
    ``h_0`` and ``c_0`` are the gradients of that step's input and of the states that entered it.

    Of a sequence there are ``h_norms`` and ``c_norms``, ``(T, N)``: the Euclidean norms of dL/dh_t and dL/dc_t, L being
    the scalar, in every row, with all ways from the state to L. Zero where a row has no valid step.
    """

    x: Array
    h_0: Array
    c_0: Array | None
    weight_ih: Array
    weight_hh: Array
    bias: Array
    recurrent_bias: Array | None = None
    weight_hr: Array | None = None
    peepholes: Array | None = None
    h_norms: Array | None = None
    c_norms: Array | None = None

    @property
    def parameters(self) -> tuple[Array, ...]:
        """Gradients of the weights and the biases the cell has."""
        arrays = (getattr(self, name) for name in PARAMETERS)
        return tuple(array for array in arrays if array is not None)

    @property
    def states(self) -> States:
        """Gradients of the initial states the cell has: ``(h_0,)`` or ``(h_0, c_0)``."""
        return (self.h_0,) if self.c_0 is None else (self.h_0, self.c_0)
