"""GRU: its equations with every option, and their derivative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .activations import ActivationLike, ClippedActivation, read_activations, read_clip
from .arguments import float64, read_weights
from .arrays import Array, States
from .cell import Cell
from .gradients import Gradients
from .recurrent_product import recurrent_products, recurrent_products_backward

ACTIVATIONS = "sigmoid", "tanh"


class _Gates(NamedTuple):
    """What a step works out on its way: sums ``z``, gates, and the recurrent part ``a`` of n's sum."""

    z_r: Array
    z_u: Array
    z_n: Array
    r: Array
    u: Array
    n: Array
    a: Array


@dataclass(frozen=True)
class GruCell(Cell):
    """Parameters and options of a GRU, read and checked, with its equations."""

    number_of_gates = 3

    recurrent_bias: Array
    reset_after: bool
    act_f: ClippedActivation
    act_g: ClippedActivation

    @classmethod
    def read(
        cls,
        weight_ih: ArrayLike,
        weight_hh: ArrayLike,
        bias: ArrayLike | None,
        recurrent_bias: ArrayLike | None,
        reset_after: bool,
        activations: Sequence[ActivationLike],
        clip: float | None,
    ) -> GruCell:
        """Read the arguments of the public functions."""
        weight_ih, weight_hh, bias = read_weights(3, weight_ih, weight_hh, bias)
        recurrent_bias = float64("recurrent_bias", recurrent_bias, bias.shape)
        f, g = (ClippedActivation(act, read_clip(clip)) for act in read_activations(activations, "fg"))
        return cls(weight_ih, weight_hh, bias, recurrent_bias, reset_after, f, g)

    def gates(self, x_t: Array, h: Array, masks: Array) -> _Gates:
        """Work out all of the step but its last equation."""
        W_r, W_u, W_n = np.split(self.weight_ih, 3)
        b_r, b_u, b_n = np.split(self.bias, 3)
        c_r, c_u, c_n = np.split(self.recurrent_bias, 3)
        R_ru, R_n = np.split(self.weight_hh, [2 * self.output_size])
        a_r, a_u = recurrent_products(R_ru, h, masks[:2])
        z_r = x_t @ W_r.T + b_r + a_r + c_r
        z_u = x_t @ W_u.T + b_u + a_u + c_u
        r = self.act_f(z_r)
        u = self.act_f(z_u)
        (a,) = recurrent_products(R_n, h if self.reset_after else r * h, masks[2:])
        a += c_n
        z_n = x_t @ W_n.T + b_n + (r * a if self.reset_after else a)
        return _Gates(z_r, z_u, z_n, r, u, self.act_g(z_n), a)

    def step(self, x_t: Array, states: States, masks: Array) -> States:
        """See `gru_step`."""
        (h,) = states
        gates = self.gates(x_t, h, masks)
        return ((1 - gates.u) * gates.n + gates.u * h,)

    def step_backward(self, x_t: Array, states: States, masks: Array, dstates: States) -> Gradients:
        """See `gru_step_backward`."""
        (h,), (dh,) = states, dstates
        z_r, z_u, z_n, r, u, n, a = self.gates(x_t, h, masks)
        R_ru, R_n = np.split(self.weight_hh, [2 * self.output_size])

        dz_n = dh * (1 - u) * self.act_g.derivative(z_n)
        dz_u = dh * (h - n) * self.act_f.derivative(z_u)
        da = dz_n * r if self.reset_after else dz_n
        ds, dR_n = recurrent_products_backward(R_n, h if self.reset_after else r * h, masks[2:], [da])
        dr = dz_n * a if self.reset_after else ds * h
        dz_r = dr * self.act_f.derivative(z_r)
        dh_ru, dR_ru = recurrent_products_backward(R_ru, h, masks[:2], [dz_r, dz_u])

        dz = np.concatenate([dz_r, dz_u, dz_n], axis=1)
        return Gradients(
            x=dz @ self.weight_ih,
            h_0=dh * u + dh_ru + (ds if self.reset_after else ds * r),
            c_0=None,
            weight_ih=dz.T @ x_t,
            weight_hh=np.concatenate([dR_ru, dR_n]),
            bias=dz.sum(axis=0),
            recurrent_bias=np.concatenate([dz_r, dz_u, da], axis=1).sum(axis=0),
        )


def gru_step(
    x_t: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    recurrent_bias: ArrayLike | None,
    reset_after: bool = True,
    *,
    activations: Sequence[ActivationLike] = ACTIVATIONS,
    clip: float | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> Array:
    """One step of a gated recurrent unit.

    With ``W``, ``R``, ``b``, ``c`` the blocks of ``weight_ih``, ``weight_hh``, ``bias`` and ``recurrent_bias`` that
    belong to a gate::

        r   = sigmoid(W_r x_t + b_r + R_r h_{t-1} + c_r)             reset gate
        u   = sigmoid(W_u x_t + b_u + R_u h_{t-1} + c_u)             update gate
        n   = tanh   (W_n x_t + b_n + r * (R_n h_{t-1} + c_n))       candidate; with reset_after=False
              tanh   (W_n x_t + b_n + R_n (r * h_{t-1}) + c_n)
        h_t = (1 - u) * n + u * h_{t-1}

    With every option, ``m`` a gate's recurrent mask, ``act`` the activations and ``clip(z)`` a sum held in
    ``[-clip, clip]``::

        r   = act_f(clip(W_r x_t + b_r + R_r (m_r * h_{t-1}) + c_r))
        u   = act_f(clip(W_u x_t + b_u + R_u (m_u * h_{t-1}) + c_u))
        n   = act_g(clip(W_n x_t + b_n + r * (R_n (m_n * h_{t-1}) + c_n)))      or
              act_g(clip(W_n x_t + b_n + R_n (r * (m_n * h_{t-1})) + c_n))
        h_t = (1 - u) * n + u * h_{t-1}

    Parameters
    ----------
    x_t : array_like, shape (N, I)
        Input of this step.
    h : array_like, shape (N, H)
        Hidden state that the step before left.
    weight_ih : array_like, shape (3H, I)
        Input weights, gates in the order r, u, n.
    weight_hh : array_like, shape (3H, H)
        Recurrent weights, in the same order.
    bias, recurrent_bias : array_like, shape (3H,), or None
        None stands for zeros. The two differ in ``n`` with `reset_after` only.
    reset_after : bool, default True
        Whether the reset gate acts on the recurrent product (as in cuDNN, PyTorch and Keras) or on the state that goes
        into it (as in the first version of the paper).
    activations : sequence of 2 str or (str, float, float), default ("sigmoid", "tanh")
        ``act_f`` of the gates r and u and ``act_g`` of the candidate, each a name of :class:`Activation`'s table or
        (name, alpha, beta).
    clip : float, optional
        Positive bound of the three sums, as in onnxruntime: it acts on the whole sum, and the recurrent part of n's is
        not bounded by itself. No bound by default.
    recurrent_masks : array_like, shape (3, N, H), optional
        ``m_r, m_u, m_n``, the recurrent dropout of Keras; ones by default. The state that ``u`` carries over is not
        masked.

    Returns
    -------
    ndarray, shape (N, H)
        Hidden state after the step.

    Raises
    ------
    ValueError
        If a shape does not fit, an activation is unknown or clip is not positive; the message names the argument.
    TypeError
        If an activation or clip is of another kind.

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
    cell = GruCell.read(weight_ih, weight_hh, bias, recurrent_bias, reset_after, activations, clip)
    (h_t,) = cell.read_and_step(x_t, {"h": h}, recurrent_masks)
    return h_t


def gru_step_backward(
    x_t: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    recurrent_bias: ArrayLike | None,
    dh: ArrayLike,
    reset_after: bool = True,
    *,
    activations: Sequence[ActivationLike] = ACTIVATIONS,
    clip: float | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> Gradients:
    """Differentiate :func:`gru_step`: from the gradient of its result to those of its arguments.

    ``z`` is a gate's sum, ``act'(z)`` the activation's derivative, zero where the sum was clipped, and
    ``a = R_n (m_n * h_{t-1}) + c_n``::

        dz_n = dh * (1 - u) * act_g'(z_n)
        dz_u = dh * (h_{t-1} - n) * act_f'(z_u)
        da   = dz_n * r,    dz_r = dz_n * a * act_f'(z_r)
        dx_t = W^T [dz_r, dz_u, dz_n],      dW, db from the same
        dh_{t-1} = dh * u + sum over the gates of m_k * R_k^T [dz_r, dz_u, da]_k
        dR_k = [dz_r, dz_u, da]_k (m_k * h_{t-1})^T,      dc from the same

    With ``reset_after=False`` the state that ``R_n`` sees is ``m_n * s``, ``s = r * h_{t-1}``::

        ds   = m_n * R_n^T dz_n,    dz_r = ds * h_{t-1} * act_f'(z_r)
        dh_{t-1} = dh * u + ds * r + m_r * R_r^T dz_r + m_u * R_u^T dz_u
        dR_n = dz_n (m_n * s)^T,    dc = db

    Parameters
    ----------
    x_t, h, weight_ih, weight_hh, bias, recurrent_bias, reset_after : array_like; bool
        What the step was given.
    dh : array_like, shape (N, H)
        Gradient of the state it returned.
    activations, clip, recurrent_masks : sequence of str or callable; float; array_like
        What the step was given.

    Returns
    -------
    Gradients
        ``x`` and ``h_0`` are those of ``x_t`` and ``h``; ``c_0`` is None.

    Raises
    ------
    ValueError, TypeError
        As :func:`gru_step`.

    Examples
    --------
    With all weights zero the update gate passes half of the gradient on:

    >>> gru_step_backward([[3.0]], [[2.0]], np.zeros((3, 1)), np.zeros((3, 1)), None, None, dh=[[1.0]]).h_0
    array([[0.5]])
    """
    cell = GruCell.read(weight_ih, weight_hh, bias, recurrent_bias, reset_after, activations, clip)
    return cell.read_and_step_backward(x_t, {"h": h}, {"dh": dh}, recurrent_masks)
