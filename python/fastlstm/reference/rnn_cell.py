"""Simple RNN: its equation with every option, and its derivative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from fastlstm import checks

from .activations import ActivationLike, ClippedActivation, read_activations, read_clip
from .arguments import read_weights
from .arrays import Array, States
from .cell import Cell
from .gradients import Gradients
from .recurrent_product import recurrent_products, recurrent_products_backward


@dataclass(frozen=True)
class RnnCell(Cell):
    """Parameters and options of a simple RNN, read and checked, with its equation."""

    number_of_gates = 1

    act: ClippedActivation

    @classmethod
    def read(
        cls,
        weight_ih: ArrayLike,
        weight_hh: ArrayLike,
        bias: ArrayLike | None,
        nonlinearity: str,
        activations: Sequence[ActivationLike] | None,
        clip: float | None,
    ) -> RnnCell:
        """Read the arguments of the public functions."""
        checks.one_of("nonlinearity", nonlinearity, ("tanh", "relu"))
        (act,) = read_activations((nonlinearity,) if activations is None else activations, "f")
        return cls(*read_weights(1, weight_ih, weight_hh, bias), ClippedActivation(act, read_clip(clip)))

    def sum(self, x_t: Array, h: Array, masks: Array) -> Array:
        """Work out what goes into the activation."""
        (a,) = recurrent_products(self.weight_hh, h, masks)
        return x_t @ self.weight_ih.T + a + self.bias

    def step(self, x_t: Array, states: States, masks: Array) -> States:
        """See `rnn_step`."""
        (h,) = states
        return (self.act(self.sum(x_t, h, masks)),)

    def step_backward(self, x_t: Array, states: States, masks: Array, dstates: States) -> Gradients:
        """See `rnn_step_backward`."""
        (h,), (dh,) = states, dstates
        dz = dh * self.act.derivative(self.sum(x_t, h, masks))
        dh_prev, dweight_hh = recurrent_products_backward(self.weight_hh, h, masks, [dz])
        return Gradients(dz @ self.weight_ih, dh_prev, None, dz.T @ x_t, dweight_hh, dz.sum(axis=0))


def rnn_step(
    x_t: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    nonlinearity: str = "tanh",
    *,
    activations: Sequence[ActivationLike] | None = None,
    clip: float | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> Array:
    """One step of a simple (Elman) RNN.

    ::

        h_t = tanh(W x_t + R h_{t-1} + b)       or max(0, ...) with nonlinearity="relu"

    With every option, ``m`` the recurrent mask, ``act`` the activation and ``clip(z)`` a sum held in
    ``[-clip, clip]``::

        h_t = act(clip(W x_t + R (m * h_{t-1}) + b))

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
    activations : sequence of 1 str or (str, float, float), optional
        In place of `nonlinearity`, a name of :class:`Activation`'s table or (name, alpha, beta).
    clip : float, optional
        Positive bound of the sum, as in onnxruntime. No bound by default.
    recurrent_masks : array_like, shape (1, N, H), optional
        ``m``, the recurrent dropout of Keras; ones by default.

    Returns
    -------
    ndarray, shape (N, H)
        Hidden state after the step.

    Raises
    ------
    ValueError
        If a shape does not fit, the nonlinearity is neither, an activation is unknown or clip is not positive; the
        message names the argument.
    TypeError
        If an activation or clip is of another kind.

    References
    ----------
    J. L. Elman, "Finding Structure in Time", Cognitive Science 14(2), 1990.

    Examples
    --------
    >>> rnn_step([[1.0, 2.0]], [[3.0]], [[0.5, -0.5]], [[2.0]], [0.25], nonlinearity="relu")
    array([[5.75]])
    >>> rnn_step([[1.0, 2.0]], [[3.0]], [[0.5, -0.5]], [[2.0]], [0.25], activations=[("affine", 2.0, 1.0)], clip=5)
    array([[11.]])
    """
    cell = RnnCell.read(weight_ih, weight_hh, bias, nonlinearity, activations, clip)
    (h_t,) = cell.read_and_step(x_t, {"h": h}, recurrent_masks)
    return h_t


def rnn_step_backward(
    x_t: ArrayLike,
    h: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None,
    dh: ArrayLike,
    nonlinearity: str = "tanh",
    *,
    activations: Sequence[ActivationLike] | None = None,
    clip: float | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> Gradients:
    """Differentiate :func:`rnn_step`: from the gradient of its result to those of its arguments.

    ``z`` is the sum and ``act'(z)`` the activation's derivative, zero where the sum was clipped::

        dz   = dh * act'(z)         1 - h_t^2 for tanh;    1 where z > 0, else 0, for relu
        dx_t = W^T dz       dh_{t-1} = m * R^T dz
        dW   = dz x_t^T     dR = dz (m * h_{t-1})^T     db = dz       summed over the batch

    Parameters
    ----------
    x_t, h, weight_ih, weight_hh, bias, nonlinearity : array_like; str
        What the step was given.
    dh : array_like, shape (N, H)
        Gradient of the state it returned.
    activations, clip, recurrent_masks : sequence of str or callable; float; array_like, optional
        What the step was given.

    Returns
    -------
    Gradients
        ``x`` and ``h_0`` are those of ``x_t`` and ``h``; ``c_0`` is None.

    Raises
    ------
    ValueError, TypeError
        As :func:`rnn_step`.

    Examples
    --------
    >>> rnn_step_backward([[1.0]], [[3.0]], [[0.5]], [[2.0]], None, dh=[[1.0]], nonlinearity="relu").h_0
    array([[2.]])
    """
    cell = RnnCell.read(weight_ih, weight_hh, bias, nonlinearity, activations, clip)
    return cell.read_and_step_backward(x_t, {"h": h}, {"dh": dh}, recurrent_masks)
