"""The specification: every forward and backward pass in NumPy float64, written to be read.

Letters in shapes: ``T`` steps, ``N`` batch, ``I`` input size, ``H`` hidden size. Whatever comes in is cast to float64.
Each cell is a *step*, which is its equations, and the derivative of that step. Two loops shared by all cells carry the
steps forward through time and the gradients back. A new cell, or a variant of one, brings a step and its derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Gradients",
    "gru",
    "gru_backward",
    "gru_step",
    "gru_step_backward",
    "lstm",
    "lstm_backward",
    "lstm_step",
    "lstm_step_backward",
    "rnn",
    "rnn_backward",
    "rnn_step",
    "rnn_step_backward",
    "sigmoid",
]

Array: TypeAlias = NDArray[np.float64]
States: TypeAlias = tuple[Array, ...]  # (h,) or (h, c); what a cell shows of itself, h, always comes first


class Gradients(NamedTuple):
    """Gradients of a scalar with respect to everything that went into a forward pass, each in its shape.

    Only the LSTM has a cell state and only the GRU a second bias; elsewhere ``c_0`` and ``recurrent_bias`` are None.
    For a single step ``x``, ``h_0`` and ``c_0`` are the gradients of that step's input and of the states that entered
    it.
    """

    x: Array
    h_0: Array
    c_0: Array | None
    weight_ih: Array
    weight_hh: Array
    bias: Array
    recurrent_bias: Array | None = None

    @property
    def parameters(self) -> tuple[Array, ...]:
        """Gradients of the weights and the biases the cell has."""
        parameters = self.weight_ih, self.weight_hh, self.bias
        return parameters if self.recurrent_bias is None else (*parameters, self.recurrent_bias)

    @property
    def states(self) -> States:
        """Gradients of the initial states the cell has: ``(h_0,)`` or ``(h_0, c_0)``."""
        return (self.h_0,) if self.c_0 is None else (self.h_0, self.c_0)


def sigmoid(x: ArrayLike) -> Array:
    """Logistic function ``1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : array_like
        Any shape.

    Returns
    -------
    ndarray
        Same shape, values in [0, 1].

    Notes
    -----
    Only ``exp(-|x|)`` is ever taken, so nothing overflows and small values keep their relative accuracy.

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    x = np.asarray(x, dtype=np.float64)
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, e) / (1.0 + e))


# --- LSTM -------------------------------------------------------------------------------------------------------------


def lstm_step(
    x_t: ArrayLike, h: ArrayLike, c: ArrayLike, weight_ih: ArrayLike, weight_hh: ArrayLike, bias: ArrayLike | None
) -> tuple[Array, Array]:
    """One step of an LSTM.

    With ``W``, ``R``, ``b`` the blocks of ``weight_ih``, ``weight_hh`` and ``bias`` that belong to a gate::

        i   = sigmoid(W_i x_t + R_i h_{t-1} + b_i)      input gate
        f   = sigmoid(W_f x_t + R_f h_{t-1} + b_f)      forget gate
        g   = tanh   (W_g x_t + R_g h_{t-1} + b_g)      candidate
        o   = sigmoid(W_o x_t + R_o h_{t-1} + b_o)      output gate
        c_t = f * c_{t-1} + i * g
        h_t = o * tanh(c_t)

    Parameters
    ----------
    x_t : array_like, shape (N, I)
        Input of this step.
    h, c : array_like, shape (N, H)
        Hidden state and cell state that the step before left.
    weight_ih : array_like, shape (4H, I)
        Input weights, gates stacked in the order i, f, g, o.
    weight_hh : array_like, shape (4H, H)
        Recurrent weights, stacked likewise.
    bias : array_like, shape (4H,), or None
        None stands for zeros.

    Returns
    -------
    h, c : ndarray, shape (N, H)
        States after the step.

    Raises
    ------
    ValueError
        If a shape does not fit; the message names the argument.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997.
    F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to Forget: Continual Prediction with LSTM", Neural Computation
    12(10), 2000, which added the forget gate.

    Examples
    --------
    With all weights zero the gates are one half and the candidate is zero, so a step halves the cell state:

    >>> h, c = lstm_step([[3.0]], [[0.0]], [[2.0]], np.zeros((4, 1)), np.zeros((4, 1)), None)
    >>> float(c[0, 0])
    1.0
    >>> bool(h[0, 0] == 0.5 * np.tanh(1.0))
    True
    """
    weight_ih, weight_hh, bias = _parameters(4, weight_ih, weight_hh, bias)
    x_t, h, c = _step_arguments(x_t, weight_ih, weight_hh, h=h, c=c)
    i, f, g, o = _lstm_gates(x_t, h, weight_ih, weight_hh, bias)
    c = f * c + i * g
    h = o * np.tanh(c)
    return h, c


def _lstm_gates(
    x_t: Array, h: Array, weight_ih: Array, weight_hh: Array, bias: Array
) -> tuple[Array, Array, Array, Array]:
    W_i, W_f, W_g, W_o = np.split(weight_ih, 4)
    R_i, R_f, R_g, R_o = np.split(weight_hh, 4)
    b_i, b_f, b_g, b_o = np.split(bias, 4)
    i = sigmoid(x_t @ W_i.T + h @ R_i.T + b_i)
    f = sigmoid(x_t @ W_f.T + h @ R_f.T + b_f)
    g = np.tanh(x_t @ W_g.T + h @ R_g.T + b_g)
    o = sigmoid(x_t @ W_o.T + h @ R_o.T + b_o)
    return i, f, g, o


def lstm_step_backward(
    x_t: ArrayLike,
    h: ArrayLike,
    c: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    dh: ArrayLike,
    dc: ArrayLike,
) -> Gradients:
    """Differentiate :func:`lstm_step`: from the gradients of its results to those of its arguments.

    The chain rule, read from the last equation of the step to the first; ``dz`` is a gate's gradient before its
    sigmoid or tanh, and the states on the right of ``dW`` and ``dR`` are those that entered the step::

        do       = dh * tanh(c_t)
        dc_t     = dc + dh * o * (1 - tanh(c_t)^2)      c_t reaches the scalar directly and through h_t
        di, dg   = dc_t * g, dc_t * i
        df       = dc_t * c_{t-1}
        dc_{t-1} = dc_t * f
        dz       = di * i (1 - i),  df * f (1 - f),  dg * (1 - g^2),  do * o (1 - o)
        dx_t     = W^T dz       dh_{t-1} = R^T dz
        dW       = dz x_t^T     dR = dz h_{t-1}^T     db = dz       summed over the batch

    Parameters
    ----------
    x_t, h, c, weight_ih, weight_hh, bias : array_like
        What the step was given.
    dh, dc : array_like, shape (N, H)
        Gradients of the states it returned.

    Returns
    -------
    Gradients
        ``x``, ``h_0`` and ``c_0`` are those of ``x_t``, ``h`` and ``c``.

    Raises
    ------
    ValueError
        If a shape does not fit; the message names the argument.

    Examples
    --------
    The cell state's gradient is what the forget gate lets through, here one half:

    >>> zeros = np.zeros((4, 1))
    >>> grads = lstm_step_backward([[3.0]], [[0.0]], [[2.0]], zeros, zeros, None, dh=[[0.0]], dc=[[1.0]])
    >>> grads.c_0
    array([[0.5]])
    """
    weight_ih, weight_hh, bias = _parameters(4, weight_ih, weight_hh, bias)
    x_t, h, c, dh, dc = _step_arguments(x_t, weight_ih, weight_hh, h=h, c=c, dh=dh, dc=dc)
    i, f, g, o = _lstm_gates(x_t, h, weight_ih, weight_hh, bias)
    tanh_c = np.tanh(f * c + i * g)

    dc_t = dc + dh * o * (1 - tanh_c**2)
    dz_i = dc_t * g * i * (1 - i)
    dz_f = dc_t * c * f * (1 - f)
    dz_g = dc_t * i * (1 - g**2)
    dz_o = dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    return Gradients(dz @ weight_ih, dz @ weight_hh, dc_t * f, dz.T @ x_t, dz.T @ h, dz.sum(axis=0))


def lstm(
    x: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None = None,
    h_0: ArrayLike | None = None,
    c_0: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
) -> tuple[Array, Array, Array]:
    """LSTM over a batch of sequences: :func:`lstm_step` from step to step.

    Parameters
    ----------
    x : array_like, shape (T, N, I)
        Input sequences.
    weight_ih, weight_hh, bias : array_like, shapes (4H, I), (4H, H), (4H,)
        Gates stacked in the order i, f, g, o; no bias stands for zeros.
    h_0, c_0 : array_like, shape (N, H), optional
        Initial states, zeros by default.
    lengths : array_like of int, shape (N,), optional
        Number of valid steps of each row, 0 to T; all T by default. What lies beyond is not read.
    reverse : bool, default False
        Walk from each row's last valid step to its first. ``y`` stays in the order of ``x``.

    Returns
    -------
    y : ndarray, shape (T, N, H)
        Hidden states, zero beyond a row's length.
    h_n, c_n : ndarray, shape (N, H)
        States each row ended with; the initial ones where its length is 0.

    Raises
    ------
    ValueError
        If a shape or a length does not fit; the message names the argument.
    TypeError
        If ``lengths`` are not integers.

    References
    ----------
    See :func:`lstm_step`.

    Examples
    --------
    >>> y, h_n, c_n = lstm(np.ones((3, 2, 1)), np.ones((4, 1)), np.ones((4, 1)), lengths=[3, 1])
    >>> y[:, :, 0].round(4)
    array([[0.3696, 0.3696],
           [0.6505, 0.    ],
           [0.7888, 0.    ]])
    >>> h_n[:, 0].round(4)
    array([0.7888, 0.3696])
    """
    weight_ih, weight_hh, bias = _parameters(4, weight_ih, weight_hh, bias)
    x, h_0, c_0 = _sequence_arguments(x, weight_ih, weight_hh, h_0=h_0, c_0=c_0)

    def step(x_t: Array, states: States) -> States:
        h, c = states
        return lstm_step(x_t, h, c, weight_ih, weight_hh, bias)

    y, (h_n, c_n), _ = _forward_through_time(step, x, (h_0, c_0), _lengths(lengths, x), reverse)
    return y, h_n, c_n


def lstm_backward(
    x: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None = None,
    h_0: ArrayLike | None = None,
    c_0: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    *,
    dy: ArrayLike | None = None,
    dh_n: ArrayLike | None = None,
    dc_n: ArrayLike | None = None,
) -> Gradients:
    """Backpropagation through time for :func:`lstm`.

    Parameters
    ----------
    x, weight_ih, weight_hh, bias, h_0, c_0, lengths, reverse
        What :func:`lstm` was given.
    dy : array_like, shape (T, N, H), optional
        Gradient of ``y``, zeros by default; not read beyond a row's length.
    dh_n, dc_n : array_like, shape (N, H), optional
        Gradients of the final states, zeros by default.

    Returns
    -------
    Gradients
        Also of what was left out and taken as zeros: initial states, bias.

    Raises
    ------
    ValueError
        If a shape or a length does not fit; the message names the argument.
    TypeError
        If ``lengths`` are not integers.

    References
    ----------
    P. J. Werbos, "Backpropagation Through Time: What It Does and How to Do It", Proceedings of the IEEE 78(10), 1990.

    Examples
    --------
    >>> x, weight_ih, weight_hh = np.ones((3, 1, 1)), np.ones((4, 1)), np.ones((4, 1))
    >>> grads = lstm_backward(x, weight_ih, weight_hh, dh_n=[[1.0]])
    >>> nudged = lstm(x + 1e-6, weight_ih, weight_hh)[1] - lstm(x - 1e-6, weight_ih, weight_hh)[1]
    >>> bool(np.isclose(grads.x.sum(), nudged[0, 0] / 2e-6))
    True
    """
    weight_ih, weight_hh, bias = _parameters(4, weight_ih, weight_hh, bias)
    states = {"h_0": h_0, "c_0": c_0, "dh_n": dh_n, "dc_n": dc_n}
    x, h_0, c_0, dh_n, dc_n = _sequence_arguments(x, weight_ih, weight_hh, **states)

    def step(x_t: Array, states: States) -> States:
        h, c = states
        return lstm_step(x_t, h, c, weight_ih, weight_hh, bias)

    def step_backward(x_t: Array, states: States, dstates: States) -> Gradients:
        (h, c), (dh, dc) = states, dstates
        return lstm_step_backward(x_t, h, c, weight_ih, weight_hh, bias, dh, dc)

    y, _, visits = _forward_through_time(step, x, (h_0, c_0), _lengths(lengths, x), reverse)
    dy = _float64("dy", dy, y.shape)
    return _backward_through_time(step_backward, x, visits, dy, (dh_n, dc_n), (weight_ih, weight_hh, bias))


# --- GRU --------------------------------------------------------------------------------------------------------------


def gru_step(
    x_t: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    recurrent_bias: ArrayLike | None,
    reset_after: bool = True,
) -> Array:
    """One step of a gated recurrent unit.

    With ``W``, ``R``, ``b``, ``c`` the blocks of ``weight_ih``, ``weight_hh``, ``bias`` and ``recurrent_bias`` that
    belong to a gate::

        r   = sigmoid(W_r x_t + b_r + R_r h_{t-1} + c_r)             reset gate
        u   = sigmoid(W_u x_t + b_u + R_u h_{t-1} + c_u)             update gate
        n   = tanh   (W_n x_t + b_n + r * (R_n h_{t-1} + c_n))       candidate; with reset_after=False
              tanh   (W_n x_t + b_n + R_n (r * h_{t-1}) + c_n)
        h_t = (1 - u) * n + u * h_{t-1}

    Parameters
    ----------
    x_t : array_like, shape (N, I)
        Input of this step.
    h : array_like, shape (N, H)
        Hidden state that the step before left.
    weight_ih : array_like, shape (3H, I)
        Input weights, gates stacked in the order r, u, n.
    weight_hh : array_like, shape (3H, H)
        Recurrent weights, stacked likewise.
    bias, recurrent_bias : array_like, shape (3H,), or None
        None stands for zeros. The two differ in ``n`` with `reset_after` only.
    reset_after : bool, default True
        Whether the reset gate acts on the recurrent product (as in cuDNN, PyTorch and Keras) or on the state that goes
        into it (as in the first version of the paper).

    Returns
    -------
    ndarray, shape (N, H)
        Hidden state after the step.

    Raises
    ------
    ValueError
        If a shape does not fit; the message names the argument.

    References
    ----------
    K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation",
    EMNLP 2014.

    Examples
    --------
    With all weights zero the update gate is one half and the candidate zero, so a step halves the state:

    >>> gru_step([[3.0]], [[2.0]], np.zeros((3, 1)), np.zeros((3, 1)), None, None)
    array([[1.]])
    """
    weight_ih, weight_hh, bias, recurrent_bias = _gru_parameters(weight_ih, weight_hh, bias, recurrent_bias)
    x_t, h = _step_arguments(x_t, weight_ih, weight_hh, h=h)
    _, u, n, _ = _gru_gates(x_t, h, weight_ih, weight_hh, bias, recurrent_bias, reset_after)
    return (1 - u) * n + u * h


def _gru_gates(
    x_t: Array, h: Array, weight_ih: Array, weight_hh: Array, bias: Array, recurrent_bias: Array, reset_after: bool
) -> tuple[Array, Array, Array, Array]:
    """Return r, u, n, and the recurrent part of n's sum."""
    W_r, W_u, W_n = np.split(weight_ih, 3)
    R_r, R_u, R_n = np.split(weight_hh, 3)
    b_r, b_u, b_n = np.split(bias, 3)
    c_r, c_u, c_n = np.split(recurrent_bias, 3)
    r = sigmoid(x_t @ W_r.T + b_r + h @ R_r.T + c_r)
    u = sigmoid(x_t @ W_u.T + b_u + h @ R_u.T + c_u)
    a = h @ R_n.T + c_n if reset_after else (r * h) @ R_n.T + c_n
    n = np.tanh(x_t @ W_n.T + b_n + (r * a if reset_after else a))
    return r, u, n, a


def gru_step_backward(
    x_t: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    recurrent_bias: ArrayLike | None,
    dh: ArrayLike,
    reset_after: bool = True,
) -> Gradients:
    """Differentiate :func:`gru_step`: from the gradient of its result to those of its arguments.

    ``dz`` is the gradient of a gate before its sigmoid or tanh, ``a = R_n h_{t-1} + c_n``::

        dz_n = dh * (1 - u) * (1 - n^2)
        dz_u = dh * (h_{t-1} - n) * u (1 - u)
        da   = dz_n * r,    dz_r = dz_n * a * r (1 - r)
        dx_t = W^T [dz_r, dz_u, dz_n],      dW, db from the same
        dh_{t-1} = dh * u + R^T [dz_r, dz_u, da],      dR, dc from the same

    With ``reset_after=False`` the state that ``R_n`` sees is ``m = r * h_{t-1}``::

        dm   = R_n^T dz_n,    dz_r = dm * h_{t-1} * r (1 - r)
        dh_{t-1} = dh * u + dm * r + R_r^T dz_r + R_u^T dz_u
        dR_n = dz_n m^T,      dc = db

    Parameters
    ----------
    x_t, h, weight_ih, weight_hh, bias, recurrent_bias, reset_after
        What the step was given.
    dh : array_like, shape (N, H)
        Gradient of the state it returned.

    Returns
    -------
    Gradients
        ``x`` and ``h_0`` are those of ``x_t`` and ``h``; ``c_0`` is None.

    Raises
    ------
    ValueError
        If a shape does not fit; the message names the argument.

    Examples
    --------
    With all weights zero the update gate passes half of the gradient on:

    >>> gru_step_backward([[3.0]], [[2.0]], np.zeros((3, 1)), np.zeros((3, 1)), None, None, dh=[[1.0]]).h_0
    array([[0.5]])
    """
    weight_ih, weight_hh, bias, recurrent_bias = _gru_parameters(weight_ih, weight_hh, bias, recurrent_bias)
    x_t, h, dh = _step_arguments(x_t, weight_ih, weight_hh, h=h, dh=dh)
    r, u, n, a = _gru_gates(x_t, h, weight_ih, weight_hh, bias, recurrent_bias, reset_after)

    dz_n = dh * (1 - u) * (1 - n**2)
    dz_u = dh * (h - n) * u * (1 - u)
    if reset_after:
        dz_r = dz_n * a * r * (1 - r)
        drecurrent = np.concatenate([dz_r, dz_u, dz_n * r], axis=1)
        dh_prev = dh * u + drecurrent @ weight_hh
        dweight_hh = drecurrent.T @ h
    else:
        R_ru, R_n = np.split(weight_hh, [2 * h.shape[1]])
        dm = dz_n @ R_n
        dz_r = dm * h * r * (1 - r)
        drecurrent = np.concatenate([dz_r, dz_u, dz_n], axis=1)
        dz_ru = np.concatenate([dz_r, dz_u], axis=1)
        dh_prev = dh * u + dm * r + dz_ru @ R_ru
        dweight_hh = np.concatenate([dz_ru.T @ h, dz_n.T @ (r * h)])
    dz = np.concatenate([dz_r, dz_u, dz_n], axis=1)
    dbias, drecurrent_bias = dz.sum(axis=0), drecurrent.sum(axis=0)
    return Gradients(dz @ weight_ih, dh_prev, None, dz.T @ x_t, dweight_hh, dbias, drecurrent_bias)


def gru(
    x: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None = None,
    recurrent_bias: ArrayLike | None = None,
    h_0: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    reset_after: bool = True,
) -> tuple[Array, Array]:
    """GRU over a batch of sequences: :func:`gru_step` from step to step.

    Parameters
    ----------
    x : array_like, shape (T, N, I)
        Input sequences.
    weight_ih, weight_hh, bias, recurrent_bias : array_like, shapes (3H, I), (3H, H), (3H,), (3H,)
        Gates stacked in the order r, u, n; no bias stands for zeros.
    h_0 : array_like, shape (N, H), optional
        Initial state, zeros by default.
    lengths : array_like of int, shape (N,), optional
        Number of valid steps of each row, 0 to T; all T by default. What lies beyond is not read.
    reverse : bool, default False
        Walk from each row's last valid step to its first. ``y`` stays in the order of ``x``.
    reset_after : bool, default True
        Whether the reset gate acts after the recurrent product or before it.

    Returns
    -------
    y : ndarray, shape (T, N, H)
        Hidden states, zero beyond a row's length.
    h_n : ndarray, shape (N, H)
        State each row ended with; the initial one where its length is 0.

    Raises
    ------
    ValueError
        If a shape or a length does not fit; the message names the argument.
    TypeError
        If ``lengths`` are not integers.

    References
    ----------
    See :func:`gru_step`.

    Examples
    --------
    >>> y, h_n = gru(np.ones((3, 2, 1)), np.ones((3, 1)), np.ones((3, 1)), lengths=[3, 1])
    >>> y[:, :, 0].round(4)
    array([[0.2048, 0.2048],
           [0.3468, 0.    ],
           [0.4517, 0.    ]])
    """
    weight_ih, weight_hh, bias, recurrent_bias = _gru_parameters(weight_ih, weight_hh, bias, recurrent_bias)
    x, h_0 = _sequence_arguments(x, weight_ih, weight_hh, h_0=h_0)

    def step(x_t: Array, states: States) -> States:
        (h,) = states
        return (gru_step(x_t, h, weight_ih, weight_hh, bias, recurrent_bias, reset_after),)

    y, (h_n,), _ = _forward_through_time(step, x, (h_0,), _lengths(lengths, x), reverse)
    return y, h_n


def gru_backward(
    x: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None = None,
    recurrent_bias: ArrayLike | None = None,
    h_0: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    reset_after: bool = True,
    *,
    dy: ArrayLike | None = None,
    dh_n: ArrayLike | None = None,
) -> Gradients:
    """Backpropagation through time for :func:`gru`.

    Parameters
    ----------
    x, weight_ih, weight_hh, bias, recurrent_bias, h_0, lengths, reverse, reset_after
        What :func:`gru` was given.
    dy : array_like, shape (T, N, H), optional
        Gradient of ``y``, zeros by default; not read beyond a row's length.
    dh_n : array_like, shape (N, H), optional
        Gradient of the final state, zeros by default.

    Returns
    -------
    Gradients
        Also of what was left out and taken as zeros: initial state, biases. ``c_0`` is None.

    Raises
    ------
    ValueError
        If a shape or a length does not fit; the message names the argument.
    TypeError
        If ``lengths`` are not integers.

    References
    ----------
    P. J. Werbos, "Backpropagation Through Time: What It Does and How to Do It", Proceedings of the IEEE 78(10), 1990.

    Examples
    --------
    >>> x, weight_ih, weight_hh = np.ones((3, 1, 1)), np.ones((3, 1)), np.ones((3, 1))
    >>> grads = gru_backward(x, weight_ih, weight_hh, dh_n=[[1.0]])
    >>> nudged = gru(x + 1e-6, weight_ih, weight_hh)[1] - gru(x - 1e-6, weight_ih, weight_hh)[1]
    >>> bool(np.isclose(grads.x.sum(), nudged[0, 0] / 2e-6))
    True
    """
    weight_ih, weight_hh, bias, recurrent_bias = _gru_parameters(weight_ih, weight_hh, bias, recurrent_bias)
    x, h_0, dh_n = _sequence_arguments(x, weight_ih, weight_hh, h_0=h_0, dh_n=dh_n)

    def step(x_t: Array, states: States) -> States:
        (h,) = states
        return (gru_step(x_t, h, weight_ih, weight_hh, bias, recurrent_bias, reset_after),)

    def step_backward(x_t: Array, states: States, dstates: States) -> Gradients:
        (h,), (dh,) = states, dstates
        return gru_step_backward(x_t, h, weight_ih, weight_hh, bias, recurrent_bias, dh, reset_after)

    y, _, visits = _forward_through_time(step, x, (h_0,), _lengths(lengths, x), reverse)
    dy = _float64("dy", dy, y.shape)
    parameters = weight_ih, weight_hh, bias, recurrent_bias
    return _backward_through_time(step_backward, x, visits, dy, (dh_n,), parameters)


def _gru_parameters(
    weight_ih: ArrayLike, weight_hh: ArrayLike, bias: ArrayLike | None, recurrent_bias: ArrayLike | None
) -> tuple[Array, Array, Array, Array]:
    weight_ih, weight_hh, bias = _parameters(3, weight_ih, weight_hh, bias)
    return weight_ih, weight_hh, bias, _float64("recurrent_bias", recurrent_bias, bias.shape)


# --- Simple RNN -------------------------------------------------------------------------------------------------------


def rnn_step(
    x_t: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    nonlinearity: str = "tanh",
) -> Array:
    """One step of a simple (Elman) RNN.

    ::

        h_t = tanh(W x_t + R h_{t-1} + b)       or max(0, ...) with nonlinearity="relu"

    Parameters
    ----------
    x_t : array_like, shape (N, I)
        Input of this step.
    h : array_like, shape (N, H)
        Hidden state that the step before left.
    weight_ih : array_like, shape (H, I)
        Input weights ``W``.
    weight_hh : array_like, shape (H, H)
        Recurrent weights ``R``.
    bias : array_like, shape (H,), or None
        None stands for zeros.
    nonlinearity : {"tanh", "relu"}, default "tanh"
        What is applied to the sum.

    Returns
    -------
    ndarray, shape (N, H)
        Hidden state after the step.

    Raises
    ------
    ValueError
        If a shape does not fit or the nonlinearity is neither; the message names the argument.

    References
    ----------
    J. L. Elman, "Finding Structure in Time", Cognitive Science 14(2), 1990.

    Examples
    --------
    >>> rnn_step([[1.0, 2.0]], [[3.0]], [[0.5, -0.5]], [[2.0]], [0.25], nonlinearity="relu")
    array([[5.75]])
    """
    weight_ih, weight_hh, bias = _parameters(1, weight_ih, weight_hh, bias)
    x_t, h = _step_arguments(x_t, weight_ih, weight_hh, h=h)
    activation = _nonlinearity(nonlinearity)
    return activation(x_t @ weight_ih.T + h @ weight_hh.T + bias)


def rnn_step_backward(
    x_t: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    dh: ArrayLike,
    nonlinearity: str = "tanh",
) -> Gradients:
    """Differentiate :func:`rnn_step`: from the gradient of its result to those of its arguments.

    ::

        dz   = dh * (1 - h_t^2)     for tanh;    dh where h_t > 0, else 0, for relu
        dx_t = W^T dz       dh_{t-1} = R^T dz
        dW   = dz x_t^T     dR = dz h_{t-1}^T     db = dz       summed over the batch

    Parameters
    ----------
    x_t, h, weight_ih, weight_hh, bias, nonlinearity
        What the step was given.
    dh : array_like, shape (N, H)
        Gradient of the state it returned.

    Returns
    -------
    Gradients
        ``x`` and ``h_0`` are those of ``x_t`` and ``h``; ``c_0`` is None.

    Raises
    ------
    ValueError
        If a shape does not fit or the nonlinearity is neither; the message names the argument.

    Examples
    --------
    >>> rnn_step_backward([[1.0]], [[3.0]], [[0.5]], [[2.0]], None, dh=[[1.0]], nonlinearity="relu").h_0
    array([[2.]])
    """
    weight_ih, weight_hh, bias = _parameters(1, weight_ih, weight_hh, bias)
    x_t, h, dh = _step_arguments(x_t, weight_ih, weight_hh, h=h, dh=dh)
    h_t = rnn_step(x_t, h, weight_ih, weight_hh, bias, nonlinearity)
    dz = dh * (1 - h_t**2) if nonlinearity == "tanh" else dh * (h_t > 0)
    return Gradients(dz @ weight_ih, dz @ weight_hh, None, dz.T @ x_t, dz.T @ h, dz.sum(axis=0))


def rnn(
    x: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None = None,
    h_0: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
) -> tuple[Array, Array]:
    """RNN over a batch of sequences: :func:`rnn_step` from step to step.

    Parameters
    ----------
    x : array_like, shape (T, N, I)
        Input sequences.
    weight_ih, weight_hh, bias : array_like, shapes (H, I), (H, H), (H,)
        No bias stands for zeros.
    h_0 : array_like, shape (N, H), optional
        Initial state, zeros by default.
    lengths : array_like of int, shape (N,), optional
        Number of valid steps of each row, 0 to T; all T by default. What lies beyond is not read.
    reverse : bool, default False
        Walk from each row's last valid step to its first. ``y`` stays in the order of ``x``.
    nonlinearity : {"tanh", "relu"}, default "tanh"
        What is applied to the sum.

    Returns
    -------
    y : ndarray, shape (T, N, H)
        Hidden states, zero beyond a row's length.
    h_n : ndarray, shape (N, H)
        State each row ended with; the initial one where its length is 0.

    Raises
    ------
    ValueError
        If a shape or a length does not fit, or the nonlinearity is neither; the message names the argument.
    TypeError
        If ``lengths`` are not integers.

    References
    ----------
    See :func:`rnn_step`.

    Examples
    --------
    A relu RNN with unit weights counts its inputs:

    >>> y, h_n = rnn(np.ones((3, 2, 1)), [[1.0]], [[1.0]], lengths=[3, 2], nonlinearity="relu")
    >>> y[:, :, 0]
    array([[1., 1.],
           [2., 2.],
           [3., 0.]])
    """
    weight_ih, weight_hh, bias = _parameters(1, weight_ih, weight_hh, bias)
    x, h_0 = _sequence_arguments(x, weight_ih, weight_hh, h_0=h_0)
    _nonlinearity(nonlinearity)  # a wrong name is an error even when there is no step to take

    def step(x_t: Array, states: States) -> States:
        (h,) = states
        return (rnn_step(x_t, h, weight_ih, weight_hh, bias, nonlinearity),)

    y, (h_n,), _ = _forward_through_time(step, x, (h_0,), _lengths(lengths, x), reverse)
    return y, h_n


def rnn_backward(
    x: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None = None,
    h_0: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
    *,
    dy: ArrayLike | None = None,
    dh_n: ArrayLike | None = None,
) -> Gradients:
    """Backpropagation through time for :func:`rnn`.

    Parameters
    ----------
    x, weight_ih, weight_hh, bias, h_0, lengths, reverse, nonlinearity
        What :func:`rnn` was given.
    dy : array_like, shape (T, N, H), optional
        Gradient of ``y``, zeros by default; not read beyond a row's length.
    dh_n : array_like, shape (N, H), optional
        Gradient of the final state, zeros by default.

    Returns
    -------
    Gradients
        Also of what was left out and taken as zeros: initial state, bias. ``c_0`` is None.

    Raises
    ------
    ValueError
        If a shape or a length does not fit, or the nonlinearity is neither; the message names the argument.
    TypeError
        If ``lengths`` are not integers.

    References
    ----------
    P. J. Werbos, "Backpropagation Through Time: What It Does and How to Do It", Proceedings of the IEEE 78(10), 1990.

    Examples
    --------
    Through three linear steps with recurrent weight 2 a gradient grows to 2 * 2 * 2:

    >>> grads = rnn_backward(np.ones((3, 1, 1)), [[1.0]], [[2.0]], nonlinearity="relu", dh_n=[[1.0]])
    >>> grads.h_0
    array([[8.]])
    """
    weight_ih, weight_hh, bias = _parameters(1, weight_ih, weight_hh, bias)
    x, h_0, dh_n = _sequence_arguments(x, weight_ih, weight_hh, h_0=h_0, dh_n=dh_n)
    _nonlinearity(nonlinearity)

    def step(x_t: Array, states: States) -> States:
        (h,) = states
        return (rnn_step(x_t, h, weight_ih, weight_hh, bias, nonlinearity),)

    def step_backward(x_t: Array, states: States, dstates: States) -> Gradients:
        (h,), (dh,) = states, dstates
        return rnn_step_backward(x_t, h, weight_ih, weight_hh, bias, dh, nonlinearity)

    y, _, visits = _forward_through_time(step, x, (h_0,), _lengths(lengths, x), reverse)
    dy = _float64("dy", dy, y.shape)
    return _backward_through_time(step_backward, x, visits, dy, (dh_n,), (weight_ih, weight_hh, bias))


def _nonlinearity(name: str) -> Callable[[Array], Array]:
    if name == "tanh":
        return np.tanh
    if name == "relu":
        return lambda z: np.maximum(z, 0.0)
    raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {name!r}")


# --- Through time, for every cell -------------------------------------------------------------------------------------


class _Visit(NamedTuple):
    """A step that was taken: when, by which rows, and the states they entered it with."""

    t: int
    rows: NDArray[np.intp]
    states: States


def _forward_through_time(
    step: Callable[[Array, States], States], x: Array, states: States, lengths: NDArray[np.int64], reverse: bool
) -> tuple[Array, States, list[_Visit]]:
    T = x.shape[0]
    states = tuple(state.copy() for state in states)
    y = np.zeros((T, *states[0].shape))
    visits = []
    for t in reversed(range(T)) if reverse else range(T):
        # A row takes part in its valid steps only and keeps its state in the others. That alone makes a reversed row
        # start at its last valid step, a forward row end there, and an empty row keep its initial state.
        rows = np.flatnonzero(t < lengths)
        visit = _Visit(t, rows, tuple(state[rows] for state in states))
        for state, new in zip(states, step(x[t, rows], visit.states), strict=True):
            state[rows] = new
        y[t, rows] = states[0][rows]
        visits.append(visit)
    return y, states, visits


def _backward_through_time(
    step_backward: Callable[[Array, States, States], Gradients],
    x: Array,
    visits: list[_Visit],
    dy: Array,
    dstates: States,
    parameters: tuple[Array, ...],
) -> Gradients:
    dx = np.zeros_like(x)
    dparameters = tuple(np.zeros_like(parameter) for parameter in parameters)
    dstates = tuple(dstate.copy() for dstate in dstates)
    for t, rows, states in reversed(visits):
        dstates[0][rows] += dy[t, rows]  # h_t is seen twice: as the output of this step and by the next one
        grads = step_backward(x[t, rows], states, tuple(dstate[rows] for dstate in dstates))
        dx[t, rows] = grads.x
        for dstate, new in zip(dstates, grads.states, strict=True):
            dstate[rows] = new
        for total, new in zip(dparameters, grads.parameters, strict=True):
            total += new  # the same weights served every step
    return Gradients(dx, dstates[0], dstates[1] if len(dstates) == 2 else None, *dparameters)


# --- What comes in ----------------------------------------------------------------------------------------------------


def _float64(name: str, value: ArrayLike | None, shape: tuple[int | str, ...]) -> Array:
    """Cast to float64 and check the shape, in which a letter stands for any size. None is zeros."""
    if value is None:
        return np.zeros([size for size in shape if isinstance(size, int)])
    array = np.asarray(value, dtype=np.float64)
    fits = len(shape) == array.ndim and all(
        isinstance(want, str) or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got {array.shape}")
    return array


def _parameters(
    gates: int, weight_ih: ArrayLike, weight_hh: ArrayLike, bias: ArrayLike | None
) -> tuple[Array, Array, Array]:
    rows = "H" if gates == 1 else f"{gates}H"
    weight_hh = _float64("weight_hh", weight_hh, (rows, "H"))
    H = weight_hh.shape[1]
    weight_hh = _float64("weight_hh", weight_hh, (gates * H, H))
    return _float64("weight_ih", weight_ih, (gates * H, "I")), weight_hh, _float64("bias", bias, (gates * H,))


def _step_arguments(x_t: ArrayLike, weight_ih: Array, weight_hh: Array, **states: ArrayLike | None) -> States:
    x_t = _float64("x_t", x_t, ("N", weight_ih.shape[1]))
    shape = (x_t.shape[0], weight_hh.shape[1])
    return x_t, *(_float64(name, state, shape) for name, state in states.items())


def _sequence_arguments(x: ArrayLike, weight_ih: Array, weight_hh: Array, **states: ArrayLike | None) -> States:
    x = _float64("x", x, ("T", "N", weight_ih.shape[1]))
    shape = (x.shape[1], weight_hh.shape[1])
    return x, *(_float64(name, state, shape) for name, state in states.items())


def _lengths(lengths: ArrayLike | None, x: Array) -> NDArray[np.int64]:
    T, N, _ = x.shape
    if lengths is None:
        return np.full(N, T, dtype=np.int64)
    array = np.asarray(lengths)
    if array.shape != (N,):
        raise ValueError(f"lengths must have shape ({N},), got {array.shape}")
    if N == 0:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"lengths must be integers, got {array.dtype}")
    if array.min() < 0 or array.max() > T:
        raise ValueError(f"lengths must lie between 0 and {T}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)
