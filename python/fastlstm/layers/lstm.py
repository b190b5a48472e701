"""Long short-term memory."""

from __future__ import annotations

from typing import Any

from .base import Recurrent


class LSTM(Recurrent):
    r"""Long short-term memory, one or more layers, one or both directions.

    For every step, with :math:`\sigma` the logistic function and :math:`\odot` the elementwise product,

    .. math::

        i, f, o &= \sigma(W x_t + b + R h_{t-1} + r) \quad\text{each with its own weights} \\
        g &= \tanh(W_g x_t + b_g + R_g h_{t-1} + r_g) \\
        c_t &= f \odot c_{t-1} + i \odot g \\
        h_t &= o \odot \tanh(c_t)

    and with a projection :math:`h_t = W_{hr} (o \odot \tanh(c_t))`, where :math:`W_{hr}` is ``weight_hr``.

    Parameters
    ----------
    input_size : int
        ``I``, numbers a step.
    hidden_size : int
        ``H``, hidden units.
    num_layers : int
        Layers on top of each other.
    bias : bool
        Whether to add biases.
    batch_first : bool
        Whether inputs and outputs are ``(N, T, .)``. States never are.
    dropout : float
        Probability with which `vjp` zeroes an output of every layer but the last.
    bidirectional : bool
        Whether to run over the sequence from its end too, and concatenate.
    proj_size : int
        ``P``, numbers h is projected to at every step, fewer than H; 0 for no projection.
    dtype : str or dtype
        ``float32`` or ``float64``, or ``bfloat16`` for products of such numbers: weights, inputs and outputs are
        float32 then.
    seed : int, optional
        For the initial parameters, uniform in ``+-1/sqrt(H)``, and for dropout.

    Raises
    ------
    ValueError
        If a size or probability is out of range.
    TypeError
        If a size is not a whole number or the dtype is another.

    Notes
    -----
    Constructor, call, shapes and parameter names are those of ``torch.nn.LSTM``, with `lengths` in place of packed
    sequences. Results agree with the float64 reference to 4e-6 (float32) and 1.5e-14 (float64) over tens of steps, have
    the same bits for any number of threads, and a row's do not depend on the batch it is in.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997; the forget gate: Gers,
    Schmidhuber and Cummins, Neural Computation 12(10), 2000; the projection: Sak, Senior and Beaufays, "Long short-term
    memory recurrent neural network architectures for large scale acoustic modeling", Interspeech 2014.

    Examples
    --------
    >>> import numpy as np, fastlstm as fl
    >>> layer = fl.LSTM(input_size=3, hidden_size=5, seed=0)
    >>> y, (h_n, c_n) = layer(np.ones((7, 2, 3), "float32"))
    >>> y.shape, h_n.shape, c_n.shape
    ((7, 2, 5), (1, 2, 5), (1, 2, 5))
    """

    _gates = 4
    _states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, seed, proj_size
        )

    @property
    def _cell(self) -> str:
        return "lstm"
