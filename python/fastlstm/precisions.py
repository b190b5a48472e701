"""Precisions that layers can be quantized to, and float32 numbers as whole ones of 8 bits.

The whole numbers of a row and its scale stand for ``whole * scale``; these products, rounded again, give the same whole
numbers and the same scale, so that what a file has of a layer packs to the same bits.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fastlstm import _core, checks
from fastlstm.frames import user_stacklevel

if TYPE_CHECKING:
    from numpy.typing import NDArray

FULL = "full"
"""What the core calls the precision of the dtype itself."""

BFLOAT16 = "bfloat16"
"""The precision of products of numbers of 16 bits, whose weights stay float32 beside them."""

MODES: Mapping[str, Mapping[str, str]] = {
    "int8": {"int8": "int8", "int16": "int8_int16"},
    BFLOAT16: {BFLOAT16: BFLOAT16},
}
"""What the core calls a precision, by the modes of ``quantize()`` and their activations, the first by default."""

NAMES = tuple(name for activations in MODES.values() for name in activations.values())
"""Of all precisions but the full one."""

WHOLE = tuple(MODES["int8"].values())
"""Of those whose weights are whole numbers, for inference."""

SCALE = "_scale"
"""What the name of an array of scales ends in, behind that of the whole numbers."""

LARGEST = 127
"""Of the whole numbers; the smallest is -127."""

_SMALLEST = np.float32(2.0**-100)  # a row of smaller numbers counts as zero, as in the core
_LARGEST_FLOAT = np.finfo(np.float32).max

Quantized: TypeAlias = "tuple[NDArray[np.int8], NDArray[np.float32]]"
"""Whole numbers, and the scale of every row."""


def chosen(mode: Any, activations: Any = None) -> str:
    """Return what the core calls the precision of a mode and of activations, by default those of the mode."""
    known = MODES[checks.one_of("mode", mode, MODES)]
    return known[checks.one_of("activations", next(iter(known)) if activations is None else activations, known)]


def mode_of(precision: str) -> str:
    """Return the mode of a precision."""
    return next(mode for mode, known in MODES.items() if precision in known.values())


def of_dtype(name: str, value: Any) -> tuple[np.dtype[Any], str]:
    """Return the dtype and the precision of what a layer is told as `dtype`: bfloat16 is a precision of float32."""
    wanted = "'float32', 'float64' or 'bfloat16'"
    if isinstance(value, str) and value == BFLOAT16:
        return np.dtype(np.float32), BFLOAT16
    if checks.any_dtype(name, value, wanted).name == BFLOAT16:  # of another package, as NumPy has none
        return np.dtype(np.float32), BFLOAT16
    return checks.float_dtype(name, value, wanted), FULL


class EmulatedPrecisionWarning(RuntimeWarning):
    """A precision was asked for whose products the processor has no instructions for.

    Outputs are those that it has elsewhere; only the speed is another. It is given once in a process, and
    ``warnings.simplefilter("ignore", fl.EmulatedPrecisionWarning)`` leaves it out.
    """


_told: set[str] = set()  # of these precisions


def is_emulated(precision: str) -> bool:
    """Whether the active instruction set has no instructions for the products of a precision."""
    return "widened" in _core.kernel_description(precision)


def for_packing(precision: str) -> str:
    """Return the precision, for weights that are about to be packed in it; the first time, warn if it is emulated."""
    if precision != FULL and precision not in _told and is_emulated(precision):
        text = (
            f"{precision} is emulated: the instruction set {_core.active_isa()!r} here has no products of it, and they "
            "are made in float32. Outputs are the same as elsewhere, but with many rows it takes longer than float32 "
            "does: use float32, or int8 for inference"
        )
        warnings.warn(text, EmulatedPrecisionWarning, stacklevel=user_stacklevel())
        _told.add(precision)
    return precision


def product(left: NDArray[Any], right: NDArray[Any], precision: str) -> NDArray[Any]:
    """Return ``left (N, K) @ right (K, M)`` in a precision: of gradients, whose right side is another every time."""
    if precision == FULL or not left.size or not right.size:
        full: NDArray[Any] = left.dot(right)  # which asks less than `@` does
        return full
    return _core.Dense(right, precision=for_packing(precision))(left)


def check_float32(name: str, dtype: np.dtype[Any]) -> None:
    """TypeError unless a dtype is float32, of which alone there are other precisions."""
    if dtype != np.float32:
        checks.refuse_dtype(name, "float32 to be quantized", dtype)


def refuse_training(owner: str, precision: str) -> None:
    """ValueError about training what has one of `WHOLE`."""
    got = f"{precision}, which is for inference: keep a copy made before quantize() to train"
    checks.complain(ValueError, f"{owner}: precision", "be float32 or float64 for gradients and training", got)


def check_whole(name: str, array: NDArray[Any]) -> None:
    """ValueError unless whole numbers are what `rounded` may give."""
    with np.errstate(invalid="ignore"):
        wrong = array[~((np.abs(array.astype(np.float64)) <= LARGEST) & (np.rint(array) == array))]
    if wrong.size:
        checks.complain(ValueError, name, f"hold whole numbers from -{LARGEST} to {LARGEST}", wrong[0])


def check_scale(name: str, array: NDArray[Any]) -> None:
    """ValueError unless scales are what `rounded` may give."""
    wrong = array[(array < 0) | np.isinf(array)]
    if wrong.size:
        checks.complain(ValueError, name, "hold numbers of at least 0, or NaN", wrong[0])


def rounded(rows: NDArray[Any]) -> Quantized:
    """Return the whole numbers of float32 ``(..., K)`` and their scales ``(...)``: the largest magnitude over 127.

    A row with a number that is not finite has the scale NaN.
    """
    top = np.abs(rows).max(axis=-1, initial=0)
    is_finite, is_zero = np.isfinite(top), top < _SMALLEST
    safe = np.where(is_finite & ~is_zero, top, np.float32(1))
    whole = np.where(is_finite[..., None], rows, np.float32(0)) * (np.float32(LARGEST) / safe)[..., None]
    scale = np.where(is_zero, np.float32(0), safe / np.float32(LARGEST))
    scale[~is_finite] = np.nan
    return np.rint(whole).astype(np.int8), scale


def restored(whole: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the float32 numbers that whole ones ``(..., K)`` and their scales ``(...)`` stand for."""
    with np.errstate(over="ignore"):
        numbers = whole.astype(np.float32) * scale[..., None]
    limited: NDArray[np.float32] = np.clip(numbers, -_LARGEST_FLOAT, _LARGEST_FLOAT, out=numbers)
    return limited


def is_bfloat16(array: NDArray[Any]) -> bool:
    """Whether an array has the dtype bfloat16 of another package, all of whose numbers float32 has."""
    dtype = array.dtype  # names are made anew each time, and NumPy's own types have another number of `isbuiltin`
    return dtype.isbuiltin == 2 and dtype.name == BFLOAT16


def rounded_to_bfloat16(numbers: NDArray[Any]) -> NDArray[np.float32]:
    """Return float32 numbers rounded to bfloat16, the upper half of their bits, ties to even."""
    bits = numbers.view(np.uint32)
    halfway = np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))
    upper = ((bits + halfway) & np.uint32(0xFFFF0000)).view(np.float32)
    return np.where(np.isnan(numbers), numbers, upper)
