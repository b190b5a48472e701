"""GRU over sequences: its step from step to step, and the gradients back."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from .activations import ActivationLike
from .arrays import Array
from .gradients import Gradients
from .gru_cell import ACTIVATIONS, GruCell
from .through_time import Run


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
    *,
    mask: ArrayLike | None = None,
    activations: Sequence[ActivationLike] = ACTIVATIONS,
    clip: float | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """GRU over a batch of sequences: :func:`gru_step` from step to step.

    Parameters
    ----------
    x : array_like, shape (T, N, I)
        Input sequences.
    weight_ih, weight_hh, bias, recurrent_bias : array_like, shapes (3H, I), (3H, H), (3H,), (3H,)
        Gates in the order r, u, n; no bias stands for zeros.
    h_0 : array_like, shape (N, H), optional
        Initial state, zeros by default.
    lengths : array_like of int, shape (N,), optional
        Number of valid steps of each row, 0 to T; all T by default. What lies beyond is not read.
    reverse : bool, default False
        Walk from each row's last valid step to its first. ``y`` stays in the order of ``x``.
    reset_after : bool, default True
        Whether the reset gate acts after the recurrent product or before it.
    mask : array_like of bool, shape (T, N), optional
        In place of `lengths`: the valid steps of each row, in any pattern. A row keeps its state in the others.
    activations, clip, recurrent_masks : sequence of str or callable; float; array_like
        Options of :func:`gru_step`, the same at every step.

    Returns
    -------
    y : ndarray, shape (T, N, H)
        Hidden states, zero where a row has no valid step.
    h_n : ndarray, shape (N, H)
        State each row ended with; the initial one where it has no valid step.

    Raises
    ------
    ValueError
        If a shape or a length does not fit, if lengths and mask are both given, or as :func:`gru_step`; the message
        names the argument.
    TypeError
        If ``lengths`` are not integers, ``mask`` is not bool, or as :func:`gru_step`.

    References
    ----------
    See :func:`gru_step`.

    Examples
    --------
    >>> import numpy as np
    >>> y, h_n = gru(np.ones((3, 2, 1)), np.ones((3, 1)), np.ones((3, 1)), lengths=[3, 1])
    >>> y[:, :, 0].round(4)
    array([[0.2048, 0.2048],
           [0.3468, 0.    ],
           [0.4517, 0.    ]])
    """
    cell = GruCell.read(weight_ih, weight_hh, bias, recurrent_bias, reset_after, activations, clip)
    run = Run(cell, x, {"h_0": h_0}, lengths=lengths, mask=mask, reverse=reverse, recurrent_masks=recurrent_masks)
    y, (h_n,) = run.forward()
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
    mask: ArrayLike | None = None,
    activations: Sequence[ActivationLike] = ACTIVATIONS,
    clip: float | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> Gradients:
    """Backpropagation through time for :func:`gru`.

    Parameters
    ----------
    x, weight_ih, weight_hh, bias, recurrent_bias, h_0, lengths, reverse, reset_after : array_like; bool
        What :func:`gru` was given.
    dy : array_like, shape (T, N, H), optional
        Gradient of ``y``, zeros by default; not read where a row has no valid step.
    dh_n : array_like, shape (N, H), optional
        Gradient of the final state, zeros by default.
    mask, activations, clip, recurrent_masks : array_like; sequence of str or callable; float
        What :func:`gru` was given.

    Returns
    -------
    Gradients
        Also of what was left out and taken as zeros: initial state, biases. ``c_0`` is None.

    Raises
    ------
    ValueError, TypeError
        As :func:`gru`.

    References
    ----------
    P. J. Werbos, "Backpropagation Through Time: What It Does and How to Do It", Proceedings of the IEEE 78(10), 1990.

    Examples
    --------
    >>> import numpy as np
    >>> x, weight_ih, weight_hh = np.ones((3, 1, 1)), np.ones((3, 1)), np.ones((3, 1))
    >>> grads = gru_backward(x, weight_ih, weight_hh, dh_n=[[1.0]])
    >>> nudged = gru(x + 1e-6, weight_ih, weight_hh)[1] - gru(x - 1e-6, weight_ih, weight_hh)[1]
    >>> bool(np.isclose(grads.x.sum(), nudged[0, 0] / 2e-6))
    True
    """
    cell = GruCell.read(weight_ih, weight_hh, bias, recurrent_bias, reset_after, activations, clip)
    run = Run(cell, x, {"h_0": h_0}, lengths=lengths, mask=mask, reverse=reverse, recurrent_masks=recurrent_masks)
    return run.backward(dy, {"dh_n": dh_n})
