"""LSTM: its equations with every option, and their derivative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastlstm import checks

from .activations import Activation, ActivationLike, ClippedActivation, read_activations, read_clip
from .arguments import float64, read_weights
from .arrays import Array, States
from .cell import Cell
from .gradients import Gradients
from .recurrent_product import recurrent_products, recurrent_products_backward

ACTIVATIONS = "sigmoid", "tanh", "tanh"


class _Gates(NamedTuple):
    """What a step works out on its way: sums ``z``, gates, and the new cell state."""

    z_i: Array
    z_f: Array
    z_g: Array
    z_o: Array
    i: Array
    f: Array
    g: Array
    o: Array
    c_t: Array


@dataclass(frozen=True)
class LstmCell(Cell):
    """Parameters and options of an LSTM, read and checked, with its equations."""

    number_of_gates = 4

    act_f: ClippedActivation
    act_g: ClippedActivation
    act_h: Activation
    peepholes: Array | None
    input_forget: bool
    weight_hr: Array | None

    @classmethod
    def read(
        cls,
        weight_ih: ArrayLike,
        weight_hh: ArrayLike,
        bias: ArrayLike | None,
        activations: Sequence[ActivationLike],
        clip: float | None,
        peepholes: ArrayLike | None,
        input_forget: bool,
        weight_hr: ArrayLike | None,
    ) -> LstmCell:
        """Read the arguments of the public functions."""
        projection = None if weight_hr is None else float64("weight_hr", weight_hr, ("P", "H"))
        weight_ih, weight_hh, bias = read_weights(4, weight_ih, weight_hh, bias, projection)
        H = len(bias) // 4
        f, g, h = read_activations(activations, "fgh")
        bound = read_clip(clip)
        return cls(
            weight_ih,
            weight_hh,
            bias,
            act_f=ClippedActivation(f, bound),
            act_g=ClippedActivation(g, bound),
            act_h=h,
            peepholes=None if peepholes is None else float64("peepholes", peepholes, (3 * H,)),
            input_forget=input_forget,
            weight_hr=projection,
        )

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Widths of h and c."""
        return self.output_size, len(self.bias) // self.number_of_gates

    def read_masks(self, recurrent_masks: ArrayLike | None, N: int) -> Array:
        """Read the recurrent masks for N rows; they are not defined for a projected state."""
        if recurrent_masks is not None and self.weight_hr is not None:
            checks.complain(ValueError, "recurrent_masks and weight_hr", "not both be given", "both")
        return super().read_masks(recurrent_masks, N)

    def gates(self, x_t: Array, h: Array, c: Array, masks: Array) -> _Gates:
        """Work out all of the step but its output."""
        W_i, W_f, W_g, W_o = np.split(self.weight_ih, 4)
        b_i, b_f, b_g, b_o = np.split(self.bias, 4)
        a_i, a_f, a_g, a_o = recurrent_products(self.weight_hh, h, masks)
        z_i = x_t @ W_i.T + a_i + b_i
        z_f = x_t @ W_f.T + a_f + b_f
        z_g = x_t @ W_g.T + a_g + b_g
        z_o = x_t @ W_o.T + a_o + b_o
        if self.peepholes is not None:
            p_i, p_f, p_o = np.split(self.peepholes, 3)
            z_i += p_i * c
            z_f += p_f * c
        i = self.act_f(z_i)
        f = 1 - i if self.input_forget else self.act_f(z_f)
        g = self.act_g(z_g)
        c_t = f * c + i * g
        if self.peepholes is not None:
            z_o += p_o * c_t
        o = self.act_f(z_o)
        return _Gates(z_i, z_f, z_g, z_o, i, f, g, o, c_t)

    def step(self, x_t: Array, states: States, masks: Array) -> States:
        """See `lstm_step`."""
        h, c = states
        gates = self.gates(x_t, h, c, masks)
        s = gates.o * self.act_h(gates.c_t)
        return (s if self.weight_hr is None else s @ self.weight_hr.T), gates.c_t

    def _through_output(self, gates: _Gates, dh: Array, dc: Array) -> tuple[Array, Array]:
        """Return the gradients of the output gate's sum and of the new cell state, which goes into h too."""
        ds = dh if self.weight_hr is None else dh @ self.weight_hr
        dz_o = ds * self.act_h(gates.c_t) * self.act_f.derivative(gates.z_o)
        dc_t = dc + ds * gates.o * self.act_h.derivative(gates.c_t)
        if self.peepholes is not None:
            dc_t += np.split(self.peepholes, 3)[2] * dz_o
        return dz_o, dc_t

    def whole_gradients(self, x_t: Array, states: States, masks: Array, dstates: States) -> States:
        """See `Cell.whole_gradients`."""
        (h, c), (dh, dc) = states, dstates
        return dh, self._through_output(self.gates(x_t, h, c, masks), dh, dc)[1]

    def step_backward(self, x_t: Array, states: States, masks: Array, dstates: States) -> Gradients:
        """See `lstm_step_backward`."""
        (h, c), (dh, dc) = states, dstates
        gates = self.gates(x_t, h, c, masks)
        z_i, z_f, z_g, _, i, f, g, o, c_t = gates
        dz_o, dc_t = self._through_output(gates, dh, dc)
        di, df = dc_t * g, dc_t * c
        if self.input_forget:
            di = di - df
        dz_i = di * self.act_f.derivative(z_i)
        dz_f = np.zeros_like(df) if self.input_forget else df * self.act_f.derivative(z_f)
        dz_g = dc_t * i * self.act_g.derivative(z_g)
        dc_prev = dc_t * f
        if self.peepholes is not None:
            p_i, p_f, _ = np.split(self.peepholes, 3)
            dc_prev += p_i * dz_i + p_f * dz_f

        dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
        dh_prev, dweight_hh = recurrent_products_backward(self.weight_hh, h, masks, [dz_i, dz_f, dz_g, dz_o])
        return Gradients(
            x=dz @ self.weight_ih,
            h_0=dh_prev,
            c_0=dc_prev,
            weight_ih=dz.T @ x_t,
            weight_hh=dweight_hh,
            bias=dz.sum(axis=0),
            weight_hr=None if self.weight_hr is None else dh.T @ (o * self.act_h(c_t)),
            peepholes=None if self.peepholes is None else _peepholes_backward(c, c_t, dz_i, dz_f, dz_o),
        )


def _peepholes_backward(c: Array, c_t: Array, dz_i: Array, dz_f: Array, dz_o: Array) -> Array:
    return np.concatenate([(dz_i * c).sum(axis=0), (dz_f * c).sum(axis=0), (dz_o * c_t).sum(axis=0)])


def lstm_step(
    x_t: ArrayLike,
    h: ArrayLike,
    c: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    *,
    activations: Sequence[ActivationLike] = ACTIVATIONS,
    clip: float | None = None,
    peepholes: ArrayLike | None = None,
    input_forget: bool = False,
    weight_hr: ArrayLike | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """One step of an LSTM.

    With ``W``, ``R``, ``b`` the blocks of ``weight_ih``, ``weight_hh`` and ``bias`` that belong to a gate::

        i   = sigmoid(W_i x_t + R_i h_{t-1} + b_i)      input gate
        f   = sigmoid(W_f x_t + R_f h_{t-1} + b_f)      forget gate
        g   = tanh   (W_g x_t + R_g h_{t-1} + b_g)      candidate
        o   = sigmoid(W_o x_t + R_o h_{t-1} + b_o)      output gate
        c_t = f * c_{t-1} + i * g
        h_t = o * tanh(c_t)

    With every option, ``p`` a gate's peepholes, ``m`` its recurrent mask, ``act`` the activations and
    ``clip(z)`` a sum held in ``[-clip, clip]``::

        i   = act_f(clip(W_i x_t + R_i (m_i * h_{t-1}) + b_i + p_i * c_{t-1}))
        f   = act_f(clip(W_f x_t + R_f (m_f * h_{t-1}) + b_f + p_f * c_{t-1}))      or 1 - i with input_forget
        g   = act_g(clip(W_g x_t + R_g (m_g * h_{t-1}) + b_g))
        c_t = f * c_{t-1} + i * g
        o   = act_f(clip(W_o x_t + R_o (m_o * h_{t-1}) + b_o + p_o * c_t))
        h_t = W_hr (o * act_h(c_t))

    Parameters
    ----------
    x_t : array_like, shape (N, I)
        Input of this step.
    h, c : array_like, shapes (N, P), (N, H)
        Hidden state and cell state that the step before left. ``P`` is ``H`` unless there is a projection.
    weight_ih : array_like, shape (4H, I)
        Input weights, gates in the order i, f, g, o.
    weight_hh : array_like, shape (4H, P)
        Recurrent weights, in the same order.
    bias : array_like, shape (4H,), or None
        None stands for zeros.
    activations : sequence of 3 str or (str, float, float), default ("sigmoid", "tanh", "tanh")
        ``act_f`` of the gates i, f and o, ``act_g`` of the candidate and ``act_h`` of the cell state, each a name of
        :class:`Activation`'s table or (name, alpha, beta).
    clip : float, optional
        Positive bound of the four sums, as in onnxruntime: it acts after the biases and the peepholes, and ``c_t`` is
        bounded neither before ``act_h`` nor where it is carried on. No bound by default.
    peepholes : array_like, shape (3H,), optional
        ``p_i, p_f, p_o`` in this order (ONNX has i, o, f). The gates i and f see the old cell state, o the new one.
        None by default.
    input_forget : bool, default False
        Couple the gates: ``f = 1 - i``. What belongs to f then has no effect, and its gradients are zeros.
    weight_hr : array_like, shape (P, H), optional
        Projection of the output. None by default.
    recurrent_masks : array_like, shape (4, N, H), optional
        ``m_i, m_f, m_g, m_o``, the recurrent dropout of Keras; ones by default. Not together with `weight_hr`.

    Returns
    -------
    h, c : ndarray, shapes (N, P), (N, H)
        States after the step.

    Raises
    ------
    ValueError
        If a shape does not fit, an activation is unknown, clip is not positive or recurrent_masks come together with
        weight_hr; the message names the argument.
    TypeError
        If an activation or clip is of another kind.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997.
    F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to Forget: Continual Prediction with LSTM", Neural Computation
    12(10), 2000, which added the forget gate.
    F. A. Gers and J. Schmidhuber, "Recurrent Nets that Time and Count", IJCNN 2000, for the peepholes.
    K. Greff et al., "LSTM: A Search Space Odyssey", IEEE Transactions on Neural Networks and Learning Systems 28(10),
    2017, for the coupled gates.
    H. Sak, A. Senior and F. Beaufays, "Long Short-Term Memory Recurrent Neural Network Architectures for Large Scale
    Acoustic Modeling", Interspeech 2014, for the projection.
    Y. Gal and Z. Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", NeurIPS
    2016, for the masks.

    Examples
    --------
    With all weights zero the gates are one half and the candidate is zero, so a step halves the cell state:

    >>> h, c = lstm_step([[3.0]], [[0.0]], [[2.0]], np.zeros((4, 1)), np.zeros((4, 1)), None)
    >>> float(c[0, 0])
    1.0
    >>> bool(h[0, 0] == 0.5 * np.tanh(1.0))
    True
    """
    cell = LstmCell.read(weight_ih, weight_hh, bias, activations, clip, peepholes, input_forget, weight_hr)
    h_t, c_t = cell.read_and_step(x_t, {"h": h, "c": c}, recurrent_masks)
    return h_t, c_t


def lstm_step_backward(
    x_t: ArrayLike,
    h: ArrayLike,
    c: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    dh: ArrayLike,
    dc: ArrayLike,
    *,
    activations: Sequence[ActivationLike] = ACTIVATIONS,
    clip: float | None = None,
    peepholes: ArrayLike | None = None,
    input_forget: bool = False,
    weight_hr: ArrayLike | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> Gradients:
    """Differentiate :func:`lstm_step`: from the gradients of its results to those of its arguments.

    The chain rule, read from the last equation of the step to the first; ``z`` is a gate's sum, ``act'(z)`` the
    activation's derivative, zero where the sum was clipped, and the states on the right of ``dW`` and ``dR`` are those
    that entered the step::

        ds       = W_hr^T dh                                    s = o * act_h(c_t), what is projected
        dz_o     = ds * act_h(c_t) * act_f'(z_o)
        dc_t     = dc + ds * o * act_h'(c_t) + p_o * dz_o       c_t reaches the scalar directly and through h_t
        di, dg   = dc_t * g, dc_t * i
        df       = dc_t * c_{t-1}                               with input_forget di -= df, and df = 0
        dz       = di * act_f'(z_i),  df * act_f'(z_f),  dg * act_g'(z_g)
        dc_{t-1} = dc_t * f + p_i * dz_i + p_f * dz_f
        dx_t     = W^T dz
        dh_{t-1} = sum over the gates of m_k * R_k^T dz_k
        dW       = dz x_t^T     dR_k = dz_k (m_k * h_{t-1})^T     db = dz     dW_hr = dh s^T
        dp       = dz_i * c_{t-1},  dz_f * c_{t-1},  dz_o * c_t      gradients of parameters are summed over the batch

    Parameters
    ----------
    x_t, h, c, weight_ih, weight_hh, bias : array_like
        What the step was given.
    dh, dc : array_like, shapes (N, P), (N, H)
        Gradients of the states it returned.
    activations, clip, peepholes, input_forget, weight_hr, recurrent_masks : as of lstm_step
        What the step was given.

    Returns
    -------
    Gradients
        ``x``, ``h_0`` and ``c_0`` are those of ``x_t``, ``h`` and ``c``.

    Raises
    ------
    ValueError, TypeError
        As :func:`lstm_step`.

    Examples
    --------
    The cell state's gradient is what the forget gate lets through, here one half:

    >>> zeros = np.zeros((4, 1))
    >>> grads = lstm_step_backward([[3.0]], [[0.0]], [[2.0]], zeros, zeros, None, dh=[[0.0]], dc=[[1.0]])
    >>> grads.c_0
    array([[0.5]])
    """
    cell = LstmCell.read(weight_ih, weight_hh, bias, activations, clip, peepholes, input_forget, weight_hr)
    return cell.read_and_step_backward(x_t, {"h": h, "c": c}, {"dh": dh, "dc": dc}, recurrent_masks)
