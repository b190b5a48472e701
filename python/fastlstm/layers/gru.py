"""Gated recurrent unit."""

from __future__ import annotations

from typing import Any

from .base import Recurrent


class GRU(Recurrent):
    r"""Gated recurrent unit, one or more layers, one or both directions.

    For every step, with :math:`\sigma` the logistic function and :math:`\odot` the elementwise product,

    .. math::

        r &= \sigma(W_r x_t + b_r + R_r h_{t-1} + c_r) \\
        u &= \sigma(W_u x_t + b_u + R_u h_{t-1} + c_u) \\
        n &= \tanh(W_n x_t + b_n + r \odot (R_n h_{t-1} + c_n)) \\
        h_t &= (1 - u) \odot n + u \odot h_{t-1}

    :math:`W` is ``weight_ih``, :math:`R` ``weight_hh``, :math:`b` ``bias_ih`` and :math:`c` ``bias_hh``, their gates
    in the order r, u, n. The reset gate r acts on the recurrent product, as in PyTorch, cuDNN and Keras
    (``reset_after=True``); PyTorch writes z for the update gate u.

    Parameters
    ----------
    input_size : int
        ``I``, numbers a step.
    hidden_size : int
        ``H``, hidden units.
    num_layers : int
        Layers on top of each other.
    bias, batch_first, dropout, bidirectional, dtype, seed : bool; float; dtype; int
        As for `LSTM`.

    Raises
    ------
    ValueError
        If a size or probability is out of range.
    TypeError
        If a size is not a whole number or the dtype is another.

    Notes
    -----
    Constructor, call, shapes and parameter names are those of ``torch.nn.GRU``, with `lengths` in place of packed
    sequences. What is said of the numbers of `LSTM` holds here too.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", EMNLP
    2014.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> layer = fl.GRU(input_size=3, hidden_size=5, seed=0)
    >>> y, h_n = layer(np.ones((7, 2, 3), "float32"))
    >>> y.shape, h_n.shape
    ((7, 2, 5), (1, 2, 5))
    """

    _gates = 3
    _states = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, seed)

    @property
    def _cell(self) -> str:
        return "gru"
