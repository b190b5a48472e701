"""LSTM over sequences: its step from step to step, and the gradients back."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from .activations import ActivationLike
from .arrays import Array
from .gradients import Gradients
from .lstm_cell import ACTIVATIONS, LstmCell
from .through_time import Run


def lstm(
    x: ArrayLike,
    weight_ih: ArrayLike,
    weight_hh: ArrayLike,
    bias: ArrayLike | None = None,
    h_0: ArrayLike | None = None,
    c_0: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    reverse: bool = False,
    *,
    mask: ArrayLike | None = None,
    activations: Sequence[ActivationLike] = ACTIVATIONS,
    clip: float | None = None,
    peepholes: ArrayLike | None = None,
    input_forget: bool = False,
    weight_hr: ArrayLike | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> tuple[Array, Array, Array]:
    """LSTM over a batch of sequences: :func:`lstm_step` from step to step.

    Parameters
    ----------
    x : array_like, shape (T, N, I)
        Input sequences.
    weight_ih, weight_hh, bias : array_like, shapes (4H, I), (4H, P), (4H,)
        Gates in the order i, f, g, o; no bias stands for zeros. ``P`` is ``H`` unless there is a projection.
    h_0, c_0 : array_like, shapes (N, P), (N, H), optional
        Initial states, zeros by default.
    lengths : array_like of int, shape (N,), optional
        Number of valid steps of each row, 0 to T; all T by default. What lies beyond is not read.
    reverse : bool, default False
        Walk from each row's last valid step to its first. ``y`` stays in the order of ``x``.
    mask : array_like of bool, shape (T, N), optional
        In place of `lengths`: the valid steps of each row, in any pattern. A row keeps its states in the others.
    activations, clip, peepholes, input_forget, weight_hr, recurrent_masks : as of lstm
        Options of :func:`lstm_step`, the same at every step.

    Returns
    -------
    y : ndarray, shape (T, N, P)
        Hidden states, zero where a row has no valid step.
    h_n, c_n : ndarray, shapes (N, P), (N, H)
        States each row ended with; the initial ones where it has no valid step.

    Raises
    ------
    ValueError
        If a shape or a length does not fit, if lengths and mask are both given, or as :func:`lstm_step`; the message
        names the argument.
    TypeError
        If ``lengths`` are not integers, ``mask`` is not bool, or as :func:`lstm_step`.

    References
    ----------
    See :func:`lstm_step`.

    Examples
    --------
    >>> import numpy as np
    >>> y, h_n, c_n = lstm(np.ones((3, 2, 1)), np.ones((4, 1)), np.ones((4, 1)), lengths=[3, 1])
    >>> y[:, :, 0].round(4)
    array([[0.3696, 0.3696],
           [0.6505, 0.    ],
           [0.7888, 0.    ]])
    >>> h_n[:, 0].round(4)
    array([0.7888, 0.3696])

    A linear LSTM whose gates are coupled is a running mean of its candidates:

    >>> from_input = [[0.0], [0.0], [1.0], [0.0]]
    >>> linear = {"activations": ("sigmoid", "linear", "linear"), "input_forget": True}
    >>> lstm([[[1.0]], [[3.0]]], from_input, np.zeros((4, 1)), **linear)[2]
    array([[1.75]])
    """
    cell = LstmCell.read(weight_ih, weight_hh, bias, activations, clip, peepholes, input_forget, weight_hr)
    run = Run(
        cell, x, {"h_0": h_0, "c_0": c_0}, lengths=lengths, mask=mask, reverse=reverse, recurrent_masks=recurrent_masks
    )
    y, (h_n, c_n) = run.forward()
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
    mask: ArrayLike | None = None,
    activations: Sequence[ActivationLike] = ACTIVATIONS,
    clip: float | None = None,
    peepholes: ArrayLike | None = None,
    input_forget: bool = False,
    weight_hr: ArrayLike | None = None,
    recurrent_masks: ArrayLike | None = None,
) -> Gradients:
    """Backpropagation through time for :func:`lstm`.

    Parameters
    ----------
    x, weight_ih, weight_hh, bias, h_0, c_0, lengths, reverse : array_like; bool
        What :func:`lstm` was given.
    dy : array_like, shape (T, N, P), optional
        Gradient of ``y``, zeros by default; not read where a row has no valid step.
    dh_n, dc_n : array_like, shapes (N, P), (N, H), optional
        Gradients of the final states, zeros by default.
    mask, activations, clip, peepholes, input_forget, weight_hr, recurrent_masks : as of lstm
        What :func:`lstm` was given.

    Returns
    -------
    Gradients
        Also of what was left out and taken as zeros: initial states, bias. ``weight_hr`` and ``peepholes`` are None
        if they were not given.

    Raises
    ------
    ValueError, TypeError
        As :func:`lstm`.

    References
    ----------
    P. J. Werbos, "Backpropagation Through Time: What It Does and How to Do It", Proceedings of the IEEE 78(10), 1990.

    Examples
    --------
    >>> import numpy as np
    >>> x, weight_ih, weight_hh = np.ones((3, 1, 1)), np.ones((4, 1)), np.ones((4, 1))
    >>> grads = lstm_backward(x, weight_ih, weight_hh, dh_n=[[1.0]])
    >>> nudged = lstm(x + 1e-6, weight_ih, weight_hh)[1] - lstm(x - 1e-6, weight_ih, weight_hh)[1]
    >>> bool(np.isclose(grads.x.sum(), nudged[0, 0] / 2e-6))
    True
    """
    cell = LstmCell.read(weight_ih, weight_hh, bias, activations, clip, peepholes, input_forget, weight_hr)
    run = Run(
        cell, x, {"h_0": h_0, "c_0": c_0}, lengths=lengths, mask=mask, reverse=reverse, recurrent_masks=recurrent_masks
    )
    return run.backward(dy, {"dh_n": dh_n, "dc_n": dc_n})
