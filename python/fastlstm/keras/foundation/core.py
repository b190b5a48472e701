"""The door to the compiled core: the one module here that imports it.

Time comes first, ``(T, N, size)``, with any strides. The states of a cell are a tuple, ``(h,)`` or ``(h, c)``; None in
place of it is zeros, or no gradient, and so is None in it. Weights are ``kernel (I, G*H)``,
``recurrent_kernel (H, G*H)`` and ``bias (G*H,)``, with the gates in the core's order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from fastlstm import _core, through_time
from fastlstm._core import Convolution, Dense, Stream, Weights, convolution_gradients, empty, squares, step_many, update
from fastlstm.precisions import FULL, for_packing
from fastlstm.through_time import Flow, Tape

from .arrays import Array
from .training_step import way_back

__all__ = [
    "CellStates",
    "Convolution",
    "Dense",
    "Flow",
    "Stream",
    "Tape",
    "Weights",
    "backward",
    "convolution_gradients",
    "empty",
    "forward",
    "forward_together",
    "forward_training",
    "packed",
    "softmax",
    "softmax_and_log",
    "softmax_cross_entropy",
    "softmax_in_place",
    "squares",
    "step_many",
    "update",
]

CellStates: TypeAlias = tuple[Array, ...]

_GRADIENTS = ("dweight_ih", "dweight_hh", "dbias", "drecurrent_bias")


def packed(
    cell: str, weights: Sequence[Array], functions: Sequence[tuple[str, float, float]] = (), precision: str = FULL
) -> Weights:
    """Return the weights of a cell, packed.

    Parameters
    ----------
    cell : str
        Its name in the core.
    weights : sequence of ndarray
        Kernel, recurrent kernel and, if there are any, bias and recurrent bias.
    functions : sequence of tuple of tuple
        Its activations, see `activations.CORE`; none: those that go with the name.
    precision : str
        Of the products.
    """
    transposed = [values.T for values in weights]
    if not functions and precision == FULL:  # as nearly always; to read the keywords takes as long as a small cell
        return Weights(cell, *transposed)
    return Weights(cell, *transposed, activations=functions, precision=for_packing(precision))


def forward(
    weights: Weights, x: Array, states: CellStates | None = None, y: Array | None = None, mask: Array | None = None
) -> CellStates:
    """Take all steps: write the outputs ``(T, N, H)`` to `y`, if it is there; return the last states."""
    h, c = _core.forward(weights, x, *_h_and_c(states), y, mask=mask)
    return (h,) if c is None else (h, c)


def forward_together(
    weights: Sequence[Weights],
    x: Array,
    states: Sequence[CellStates | None],
    y: Sequence[Array | None],
    mask: Array | None = None,
) -> list[CellStates]:
    """Take all steps of layers on top of each other, or of two directions: `y` has an entry for each direction."""
    final = _core.forward_stack(weights, x, [_h_and_c(start) for start in states], y, mask=mask)
    return [(h,) if c is None else (h, c) for h, c in final]


def forward_training(
    weights: Weights,
    x: Array,
    states: CellStates | None = None,
    y: Array | None = None,
    mask: Array | None = None,
    recurrent_masks: Array | None = None,
) -> tuple[CellStates, Tape]:
    """As `forward`, and keep what `backward` needs to go back as `way_back` says.

    Parameters
    ----------
    recurrent_masks : ndarray, optional
        Factors ``(G, N, H)`` of the states in the sums of the gates.
    """
    arguments = (weights, x, *_h_and_c(states), y, None, False, mask, recurrent_masks)
    h, c, tape = through_time.forward_training(way_back(), *arguments)
    return (h,) if c is None else (h, c), tape


def backward(
    tape: Tape,
    dy: Array | None,
    dstates: CellStates | None,
    dx: Array | None,
    gradients: Sequence[Array],
    flow: Flow | None = None,
) -> CellStates:
    """Write to `dx` and to the `gradients` of the weights; return those of the first states.

    Parameters
    ----------
    dy : ndarray, optional
        Gradient of the outputs ``(T, N, H)``.
    dstates : CellStates, optional
        Those of the last states.
    dx : ndarray, optional
        Where that of the inputs ``(T, N, I)`` goes, if it is wanted.
    gradients : sequence of ndarray
        Arrays in the shapes of the weights; none: they are not wanted.
    flow : Flow, optional
        Where the norms of the gradients of states go, if they are wanted.
    """
    named = {name: gradient.T for name, gradient in zip(_GRADIENTS, gradients, strict=False)}
    dh, dc = through_time.backward(tape, dy, *_h_and_c(dstates), dx, named, flow)
    return (dh,) if dc is None else (dh, dc)


def softmax(x: Array) -> Array:
    """Return the softmax over the last axis, in the dtype of `x`."""
    return _core.softmax(x) if x.dtype.char in "fd" else _core.softmax(x.astype(np.float64)).astype(x.dtype)


def softmax_in_place(y: Array) -> None:
    """Make `y`, of float32 or float64 and without gaps, its softmax over the last axis."""
    _core.softmax(y, y)


def softmax_and_log(x: Array) -> tuple[Array, Array]:
    """Return the softmax over the last axis, and its logarithm, in the dtype of `x`."""
    if x.dtype.char in "fd":
        return _core.softmax_and_log(x)
    p, log_p = _core.softmax_and_log(x.astype(np.float64))
    return p.astype(x.dtype), log_p.astype(x.dtype)


def softmax_cross_entropy(x: Array, labels: Array) -> tuple[Array, ...]:
    """Return the cross-entropy of labels with the softmax of `x`, that softmax, and the slope by `x`, in its dtype."""
    if x.dtype.char in "fd":
        return _core.softmax_cross_entropy(x, labels)
    found = _core.softmax_cross_entropy(x.astype(np.float64), labels.astype(np.float64))
    return tuple([part.astype(x.dtype) for part in found])


def _h_and_c(states: CellStates | None) -> tuple[Array | None, Array | None]:
    if states is None:
        return None, None
    h, *c = states
    return h, c[0] if c else None
