"""Stub of the compiled core. Arrays are float32 or float64, one dtype within a call."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastlstm.typing import Floats

_T = TypeVar("_T")

class Weights:
    """Weights of one recurrent layer in one direction, packed for the active instruction set.

    Immutable: a running call keeps the object it started with.
    """

    def __init__(
        self,
        cell: str,  # "lstm", "gru", "gru_reset_before", "rnn_tanh", "rnn_relu", or "rnn" with an activation
        weight_ih: Floats,  # (G*H, I), any strides; gates stacked i, f, g, o or r, u, n
        weight_hh: Floats,  # (G*H, S), any strides; S = H, or P with a projection
        bias: Floats | None = None,  # (G*H,)
        recurrent_bias: Floats | None = None,  # (G*H,), added to the bias but in n of "gru"
        *,
        weight_hr: Floats | None = None,  # (P, H), "lstm": h_t = (o tanh(c_t)) weight_hr^T
        peepholes: Floats | None = None,  # (3H,), "lstm": of i, f, o
        # (name, alpha, beta) of gates, candidate, output (lstm 3, gru 2, rnn 1); empty: the standard ones
        activations: Sequence[tuple[str, float, float]] = ...,
        clip: float = 0.0,  # sums are cut to [-clip, clip] before the activations of gates; 0: not at all
        input_forget: bool = False,  # "lstm": f = 1 - i
        # "full", or for float32: "bfloat16", and for inference "int8", "int8_int16" (weights of 8 bits, x and h of 16)
        precision: str = "full",
    ) -> None: ...
    @property
    def cell(self) -> str: ...
    @property
    def input_size(self) -> int: ...
    @property
    def hidden_size(self) -> int: ...
    @property
    def state_size(self) -> int: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def isa(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def nbytes(self) -> int: ...

class Tape:
    """What one training forward kept for its backward. Read-only; may be used more than once."""

    @property
    def nbytes(self) -> int: ...

def forward(
    weights: Weights,
    x: Floats,  # (T, N, I), any strides
    h_0: Floats | None = None,  # (N, S); None is zeros
    c_0: Floats | None = None,  # (N, H); only for "lstm"
    y: Floats | None = None,  # (T, N, S), written; None: only the final state is wanted
    lengths: NDArray[np.int64] | None = None,  # (N,), 0 <= lengths <= T
    reverse: bool = False,
    mask: NDArray[np.bool_] | None = None,  # (T, N), in place of lengths: any pattern of valid steps
) -> tuple[Floats, Floats | None]:  # h_n (N, S), c_n (N, H) or None
    ...
def forward_stack(
    weights: Sequence[Weights],  # L x D, the first layer's first; a layer takes the D outputs of the one below, joined
    x: Floats,  # (T, N, I), any strides
    states: Sequence[tuple[Floats | None, Floats | None]] | None,  # h_0, c_0 of each of `weights`; None is zeros
    y: Sequence[Floats | None],  # of each direction, the second being the reverse one: (T, N, H), written, or None
    lengths: NDArray[np.int64] | None = None,
    mask: NDArray[np.bool_] | None = None,
) -> list[tuple[Floats, Floats | None]]:  # h_n, c_n of each of `weights`
    """As ``forward`` for one layer and direction after the other, with the same bits, and in less time if it can be."""

def forward_training(
    weights: Weights,
    x: Floats,
    h_0: Floats | None = None,
    c_0: Floats | None = None,
    y: Floats | None = None,
    lengths: NDArray[np.int64] | None = None,
    reverse: bool = False,
    mask: NDArray[np.bool_] | None = None,
    recurrent_masks: Floats | None = None,  # (G, N, H): what each gate's h_{t-1} is multiplied with, at every step
    # Not 0: the tape has the states every so many steps, some more as they are whole chunks of backward's sums, or as
    # often as it stays within so many bytes with, if it must. The rest is computed again, with the same bits.
    checkpoint_every: int = 0,
    memory_limit: int = 0,
) -> tuple[Floats, Floats | None, Tape]:
    """As ``forward``, and keeps what ``backward`` needs. ``x`` is kept by reference: do not change it before."""

def backward(
    tape: Tape,
    dy: Floats | None = None,  # (T, N, S), gradient of y
    dh_n: Floats | None = None,  # (N, S)
    dc_n: Floats | None = None,  # (N, H)
    dx: Floats | None = None,  # (T, N, I), overwritten when given; any strides, as are those below
    dweight_ih: Floats | None = None,  # (G*H, I)
    dweight_hh: Floats | None = None,  # (G*H, S)
    dbias: Floats | None = None,  # (G*H,)
    drecurrent_bias: Floats | None = None,  # (G*H,)
    dweight_hr: Floats | None = None,  # (P, H)
    dpeepholes: Floats | None = None,  # (3H,)
    dh_norms: NDArray[np.float64] | None = None,  # (T, N), of the gradient of h after every step
    dc_norms: NDArray[np.float64] | None = None,  # (T, N), likewise of c
) -> tuple[Floats, Floats | None]:  # dh_0 (N, S), dc_0 (N, H) or None
    ...
def empty(shape: Sequence[int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """As ``numpy.empty``, but a large array's memory is kept for the next one when the array is dropped."""

def same_bytes(a: Sequence[NDArray[Any]], b: Sequence[NDArray[Any]]) -> bool:
    """Whether there are as many arrays, and each has the shape, the size of a number and the bytes of the other.

    Arrays that are not in C order are taken to differ.
    """

class Dense:
    """``x @ kernel + bias``, packed for the active instruction set; a row's bits do not depend on the others."""

    # (I, O), (O,); precision: as of Weights
    def __init__(self, kernel: Floats, bias: Floats | None = None, *, precision: str = "full") -> None: ...
    # (N, I) -> (N, O); an x that shares memory with out is copied first
    def __call__(self, x: Floats, out: Floats | None = None) -> Floats: ...

class Convolution:
    """Sums over windows of sequences, kernel and bias packed; a window's bits do not depend on the others.

    Window ``w`` has its taps at the steps ``first + w * stride + tap * dilation``; there are zeros around a sequence.
    """

    # (taps, C / groups, F), (F,)
    def __init__(self, kernel: Floats, bias: Floats | None = None, *, groups: int = 1) -> None: ...
    # (N, T, C) -> (N, count, F); an x that shares memory with out is copied first
    def __call__(
        self,
        x: Floats,
        first: int,
        count: int,
        stride: int = 1,
        dilation: int = 1,
        out: Floats | None = None,
    ) -> Floats: ...

def convolution_gradients(
    x: Floats,  # (N, T, C)
    dy: Floats,  # (N, count, F)
    taps: int,
    first: int,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> tuple[Floats, Floats]:  # of kernel (taps, C / groups, F) and bias (F,)
    ...

class Stream:
    """A stack of layers stepped one time step at a time; owns its states, shares the weights. One thread at a time."""

    def __init__(self, layers: Sequence[Weights], batch_size: int) -> None: ...
    def step(self, x: Floats, out: Floats | None = None) -> Floats: ...  # (I,) -> (H,) or (N, I) -> (N, H)
    def state(self) -> list[tuple[Floats, Floats | None]]: ...  # of every layer h (N, H), c (N, H) or None
    def set_state(self, state: Sequence[tuple[Floats, Floats | None]]) -> None: ...
    def reset(self) -> None: ...

def step_many(streams: Sequence[Stream], x: Floats, out: Floats | None = None) -> Floats:
    """One step of streams of batch size 1 that share their weights: x (M, I) -> (M, H)."""

def softmax(x: Floats, out: Floats | None = None) -> Floats:
    """Softmax over the last axis; `out`, which may be `x`, has the same shape."""

def softmax_and_log(x: Floats) -> tuple[Floats, Floats]:
    """Softmax over the last axis, and its logarithm."""

def softmax_cross_entropy(x: Floats, labels: Floats) -> tuple[Floats, Floats, Floats]:  # (..., C), (..., C)
    """Cross-entropy of labels with the softmax of `x` (...), the softmax, and the slope of the first by `x`."""

def update(
    rule: str,
    numbers: Sequence[float],  # of the rule; see fastlstm/reference/updates.py
    w: Floats,  # (size,)
    gradients: list[Floats],  # of any shapes, together (size,)
    next: Floats,  # (size,)
    kept: list[Floats],  # each (size,)
    decays: Sequence[float] = (),  # what the weights of each gradient are multiplied with first; none: 1
    scales: Sequence[float] = (),  # and the gradients
) -> None:
    """Write what weights are after a step of an optimizer into `next`, which may be `w`; bring `kept` up to date."""

def squares(arrays: Sequence[Floats]) -> list[float]:
    """Return the sum of squares of each, which does not depend on instruction set and threads."""

class Scope(Generic[_T]):
    """For the time of a block a context variable has another value, which ``with`` gives."""

    def __init__(self, variable: ContextVar[_T], value: _T) -> None: ...
    def __enter__(self) -> _T: ...
    def __exit__(self, *error: object) -> None: ...

def activation(name: str, x: Floats) -> Floats:
    """``tanh`` or ``sigmoid`` of every element, by the active kernels."""

def general_activation(name: str, alpha: float, beta: float, x: Floats) -> tuple[Floats, Floats]:
    """Value and slope of a function general cells may have, by the active kernels."""

def available_isas() -> list[str]: ...
def built_isas() -> list[str]: ...
def active_isa() -> str: ...
def set_isa(name: str) -> None: ...
def kernel_description(precision: str) -> str:
    """How the active instruction set makes products in a precision of float32; ValueError if it has none."""

def set_num_threads(n: int) -> None: ...
def granted_threads() -> int: ...
def processors(root: str = "") -> int:
    """Processors this process may use; files that say so are looked for under `root`."""

def get_num_threads() -> int: ...
def build_config() -> dict[str, str]: ...
def measure_multiply_add() -> float:
    """Floating-point operations a second of one core, float32, nothing loaded."""

def measure_read_bandwidth(bytes: int) -> float:
    """Bytes a second one core reads from a block of this many."""
