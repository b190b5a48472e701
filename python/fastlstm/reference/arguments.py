"""What comes in: cast to float64, and checked with messages that name the argument."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastlstm import checks

from .arrays import Array


def float64(name: str, value: ArrayLike | None, shape: tuple[int | str, ...]) -> Array:
    """Cast to float64 and check the shape, in which a letter stands for any size. None is zeros."""
    if value is None:
        return np.zeros([size for size in shape if isinstance(size, int)])
    array = np.asarray(value, dtype=np.float64)
    fits = len(shape) == array.ndim and all(
        isinstance(want, str) or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        checks.refuse_shape(name, f"({wanted})", array.shape)
    return array


def read_weights(
    gates: int, weight_ih: ArrayLike, weight_hh: ArrayLike, bias: ArrayLike | None, weight_hr: Array | None = None
) -> tuple[Array, Array, Array]:
    """Read what every cell has. ``weight_hr (P, H)`` says how wide h is; without it, it has H numbers."""
    if weight_hr is None:
        weight_hh = float64("weight_hh", weight_hh, ("H" if gates == 1 else f"{gates}H", "H"))
        P = H = weight_hh.shape[1]
    else:
        P, H = weight_hr.shape
    weight_hh = float64("weight_hh", weight_hh, (gates * H, P))
    return float64("weight_ih", weight_ih, (gates * H, "I")), weight_hh, float64("bias", bias, (gates * H,))


def read_valid_steps(x: Array, lengths: ArrayLike | None, mask: ArrayLike | None) -> NDArray[np.bool_]:
    """Say in which steps each row takes part, ``(T, N)``."""
    T, N, _ = x.shape
    if mask is None:
        return np.arange(T)[:, None] < _read_lengths(lengths, T, N)
    if lengths is not None:
        checks.complain(ValueError, "lengths and mask", "not both be given", "both")
    valid = np.asarray(mask)
    if valid.dtype != np.bool_:
        checks.refuse_dtype("mask", "bool", valid.dtype)
    if valid.shape != (T, N):
        checks.refuse_shape("mask", (T, N), valid.shape)
    return valid


def _read_lengths(lengths: ArrayLike | None, T: int, N: int) -> NDArray[np.int64]:
    if lengths is None:
        return np.full(N, T, dtype=np.int64)
    array = checks.whole_numbers("lengths", lengths)
    if array.shape != (N,):
        checks.refuse_shape("lengths", (N,), array.shape)
    if N and (array.min() < 0 or array.max() > T):
        checks.complain(ValueError, "lengths", f"lie between 0 and {T}", f"{array.min()} to {array.max()}")
    return array
