"""Simple recurrent layer."""

from __future__ import annotations

from typing import Any, Literal

from fastlstm import checks

from .base import Recurrent


class RNN(Recurrent):
    r"""Simple recurrent layer (Elman), one or more layers, one or both directions.

    .. math:: h_t = \tanh(W x_t + b + R h_{t-1} + r)

    or with :math:`\max(0, \cdot)` in place of :math:`\tanh`.

    Parameters
    ----------
    input_size : int
        ``I``, numbers a step.
    hidden_size : int
        ``H``, hidden units.
    num_layers : int
        Layers on top of each other.
    nonlinearity : {"tanh", "relu"}
        The function of the sum.
    bias, batch_first, dropout, bidirectional, dtype, seed : bool; float; dtype; int
        As for `LSTM`.

    Raises
    ------
    ValueError
        If a size or probability is out of range, or the nonlinearity is unknown.
    TypeError
        If a size is not a whole number or the dtype is another.

    References
    ----------
    Elman, "Finding structure in time", Cognitive Science 14(2), 1990.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> layer = fl.RNN(input_size=3, hidden_size=5, nonlinearity="relu", batch_first=True, seed=0)
    >>> y, h_n = layer(np.ones((2, 7, 3), "float32"))
    >>> y.shape, h_n.shape
    ((2, 7, 5), (1, 2, 5))
    """

    _gates = 1
    _states = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        self.nonlinearity = checks.one_of("nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, seed)

    @property
    def _cell(self) -> str:
        return f"rnn_{self.nonlinearity}"
