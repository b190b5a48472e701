"""Simple RNN: its equation with every option, its derivative, and both through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from .activations import ActivationLike, ClippedActivation, read_activations, read_clip
from .arguments import float64, read_recurrent_masks, read_states, read_valid_steps, read_weights
from .arrays import Array, States
from .gradients import Gradients
from .recurrent_product import recurrent_products, recurrent_products_backward
from .through_time import Walk, backward_through_time, forward_through_time


@dataclass(frozen=True)
class RnnCell:
    """Parameters and options of a simple RNN, read and checked, with its equation."""

    weight_ih: Array
    weight_hh: Array
    bias: Array
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
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        (act,) = read_activations((nonlinearity,) if activations is None else activations, "f")
        return cls(*read_weights(1, weight_ih, weight_hh, bias), ClippedActivation(act, read_clip(clip)))

    @property
    def hidden_size(self) -> int:
        """Width of h."""
        return int(self.weight_hh.shape[1])

    @property
    def parameters(self) -> dict[str, Array]:
        """Weights and biases by the names `Gradients` has for them."""
        return {"weight_ih": self.weight_ih, "weight_hh": self.weight_hh, "bias": self.bias}

    def read_masks(self, recurrent_masks: ArrayLike | None, N: int) -> Array:
        """Read the recurrent masks for N rows."""
        return read_recurrent_masks(recurrent_masks, 1, N, self.hidden_size)

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
    x_t = float64("x_t", x_t, ("N", cell.weight_ih.shape[1]))
    N = len(x_t)
    (h_t,) = cell.step(x_t, read_states(N, cell.hidden_size, h=h), cell.read_masks(recurrent_masks, N))
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
    x_t, h, weight_ih, weight_hh, bias, nonlinearity
        What the step was given.
    dh : array_like, shape (N, H)
        Gradient of the state it returned.
    activations, clip, recurrent_masks
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
    x_t = float64("x_t", x_t, ("N", cell.weight_ih.shape[1]))
    N = len(x_t)
    h, dh = read_states(N, cell.hidden_size, h=h, dh=dh)
    return cell.step_backward(x_t, (h,), cell.read_masks(recurrent_masks, N), (dh,))


def rnn(
    x: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None = None,
    h_0: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
    *,
    mask: ArrayLike | None = None,
    activations: Sequence[ActivationLike] | None = None,
    clip: float | None = None,
    recurrent_masks: ArrayLike | None = None,
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
    mask : array_like of bool, shape (T, N), optional
        In place of `lengths`: the valid steps of each row, in any pattern. A row keeps its state in the others.
    activations, clip, recurrent_masks
        Options of :func:`rnn_step`, the same at every step.

    Returns
    -------
    y : ndarray, shape (T, N, H)
        Hidden states, zero where a row has no valid step.
    h_n : ndarray, shape (N, H)
        State each row ended with; the initial one where it has no valid step.

    Raises
    ------
    ValueError
        If a shape or a length does not fit, if lengths and mask are both given, or as :func:`rnn_step`; the message
        names the argument.
    TypeError
        If ``lengths`` are not integers, ``mask`` is not bool, or as :func:`rnn_step`.

    References
    ----------
    See :func:`rnn_step`.

    Examples
    --------
    A relu RNN with unit weights counts its inputs:

    >>> y, h_n = rnn([[[1.0], [1.0]]] * 3, [[1.0]], [[1.0]], lengths=[3, 2], nonlinearity="relu")
    >>> y[:, :, 0]
    array([[1., 1.],
           [2., 2.],
           [3., 0.]])
    """
    cell = RnnCell.read(weight_ih, weight_hh, bias, nonlinearity, activations, clip)
    x = float64("x", x, ("T", "N", cell.weight_ih.shape[1]))
    N = x.shape[1]
    walk = Walk(read_valid_steps(x, lengths, mask), reverse, cell.read_masks(recurrent_masks, N))
    y, (h_n,), _ = forward_through_time(cell, x, read_states(N, cell.hidden_size, h_0=h_0), walk)
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
    mask: ArrayLike | None = None,
    activations: Sequence[ActivationLike] | None = None,
    clip: float | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> Gradients:
    """Backpropagation through time for :func:`rnn`.

    Parameters
    ----------
    x, weight_ih, weight_hh, bias, h_0, lengths, reverse, nonlinearity
        What :func:`rnn` was given.
    dy : array_like, shape (T, N, H), optional
        Gradient of ``y``, zeros by default; not read where a row has no valid step.
    dh_n : array_like, shape (N, H), optional
        Gradient of the final state, zeros by default.
    mask, activations, clip, recurrent_masks
        What :func:`rnn` was given.

    Returns
    -------
    Gradients
        Also of what was left out and taken as zeros: initial state, bias. ``c_0`` is None.

    Raises
    ------
    ValueError, TypeError
        As :func:`rnn`.

    References
    ----------
    P. J. Werbos, "Backpropagation Through Time: What It Does and How to Do It", Proceedings of the IEEE 78(10), 1990.

    Examples
    --------
    Through three linear steps with recurrent weight 2 a gradient grows to 2 * 2 * 2:

    >>> grads = rnn_backward([[[1.0]]] * 3, [[1.0]], [[2.0]], nonlinearity="relu", dh_n=[[1.0]])
    >>> grads.h_0
    array([[8.]])
    """
    cell = RnnCell.read(weight_ih, weight_hh, bias, nonlinearity, activations, clip)
    x = float64("x", x, ("T", "N", cell.weight_ih.shape[1]))
    T, N, _ = x.shape
    h_0, dh_n = read_states(N, cell.hidden_size, h_0=h_0, dh_n=dh_n)
    dy = float64("dy", dy, (T, N, cell.hidden_size))
    walk = Walk(read_valid_steps(x, lengths, mask), reverse, cell.read_masks(recurrent_masks, N))
    return backward_through_time(cell, x, (h_0,), walk, dy, (dh_n,))
