"""Simple RNN over sequences: its step from step to step, and the gradients back."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from .activations import ActivationLike
from .arrays import Array
from .gradients import Gradients
from .rnn_cell import RnnCell
from .through_time import Run


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
    activations, clip, recurrent_masks : sequence of str or callable; float; array_like, optional
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
    run = Run(cell, x, {"h_0": h_0}, lengths=lengths, mask=mask, reverse=reverse, recurrent_masks=recurrent_masks)
    y, (h_n,) = run.forward()
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
    x, weight_ih, weight_hh, bias, h_0, lengths, reverse, nonlinearity : array_like; bool; str
        What :func:`rnn` was given.
    dy : array_like, shape (T, N, H), optional
        Gradient of ``y``, zeros by default; not read where a row has no valid step.
    dh_n : array_like, shape (N, H), optional
        Gradient of the final state, zeros by default.
    mask, activations, clip, recurrent_masks : array_like; sequence of str or callable; float, optional
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
    run = Run(cell, x, {"h_0": h_0}, lengths=lengths, mask=mask, reverse=reverse, recurrent_masks=recurrent_masks)
    return run.backward(dy, {"dh_n": dh_n})
