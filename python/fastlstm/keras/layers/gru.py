"""GRU over the compiled core."""

from typing import Any

import numpy as np

from fastlstm import _core

from ..arrays import Array
from .recurrent import Recurrent, cell_activation


class GRU(Recurrent):
    """Gated recurrent unit.

    With gates z, r = sigmoid of ``x_t @ kernel + h_{t-1} @ recurrent_kernel + bias``::

        n_t = tanh(x_t @ kernel_n + bias_n + r * (h_{t-1} @ recurrent_kernel_n + recurrent_bias_n))
        h_t = z * h_{t-1} + (1 - z) * n_t

    Without `reset_after` it is ``(r * h_{t-1}) @ recurrent_kernel_n``, and there is one bias only.

    Parameters
    ----------
    units
        Hidden size H.
    activation, recurrent_activation
        ``"tanh"`` and ``"sigmoid"``, the ones the kernels compute.
    use_bias
        Whether there is a bias: ``(2, 3H)``, of the inputs and of the states; ``(3H,)`` without `reset_after`.
    kernel_initializer, recurrent_initializer, bias_initializer
        Of the weights, whose columns hold the gates in the order z, r, n.
    dropout
        Fraction of the inputs dropped while training, the same ones at every step.
    return_sequences
        Whether the output is that of every step, ``(N, T, H)``, or of the last one, ``(N, H)``.
    return_state
        Whether a call on arrays gives ``[output, h]``.
    reset_after
        Whether the reset gate r acts after the product with the recurrent kernel or before it.
    go_backwards, stateful, seed
        See `Recurrent`.
    **kwargs
        Further arguments of `Recurrent` and `Layer`.

    References
    ----------
    Cho et al., Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation, 2014.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            seed=seed,
            **kwargs,
        )
        self.activation = cell_activation(self.name, "activation", activation, ("tanh",))
        self.recurrent_activation = cell_activation(
            self.name, "recurrent_activation", recurrent_activation, ("sigmoid",)
        )
        self.reset_after = bool(reset_after)

    @property
    def cell_name(self) -> str:
        """``gru`` or ``gru_reset_before``."""
        return "gru" if self.reset_after else "gru_reset_before"

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """``(2, 3H)``, or ``(3H,)`` without `reset_after`."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _freeze(self, values: tuple[Array, ...]) -> _core.Weights:
        kernel, recurrent, *bias = (_swap_gates(value) for value in values)
        return _core.Weights(self.cell_name, kernel.T, recurrent.T, *_bias_rows(bias))

    def _backward(
        self, tape: _core.Tape, dy: Array | None, dh_n: Array | None, dx: Array | None, gradients: list[Array]
    ) -> list[Array]:
        arguments = [*(gradient.T for gradient in gradients[:2]), *_bias_rows(gradients[2:])]
        _core.backward(tape, dy, dh_n, None, dx, *arguments)
        return [_swap_gates(gradient) for gradient in gradients]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("activation", "recurrent_activation", "reset_after")
        return super().get_config() | {name: getattr(self, name) for name in names}


def _bias_rows(bias: list[Array]) -> list[Array]:
    """Return the bias of the inputs and, if there is one, that of the states."""
    return [row for array in bias for row in (array if array.ndim == 2 else [array])]


def _swap_gates(values: Array) -> Array:
    """From the order z, r, n of the columns here to the core's r, z, n, or back."""
    units = values.shape[-1] // 3
    z, r, n = values[..., :units], values[..., units : 2 * units], values[..., 2 * units :]
    return np.concatenate([r, z, n], axis=-1)
