"""Products in whole numbers: what the int8 kernels compute, bit for bit, in float32 and integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]

LARGEST_WEIGHT = 127
LARGEST_LEFT = {"int8": 127, "int8_int16": 32767}
SMALLEST = np.float32(2.0**-100)  # a row of smaller numbers counts as zero


def to_whole_numbers(rows: ArrayLike, largest: int) -> tuple[Whole, Floats]:
    """Write every row as whole numbers of at most ``largest`` times a scale of its own.

    ::

        scale = max |row| / largest
        whole = round(row * (largest / max |row|)),  ties to even

    A row with a number that is not finite has the scale NaN.

    Parameters
    ----------
    rows : array_like, shape (N, K)
        Cast to float32.
    largest : int
        Largest magnitude of a whole number.

    Returns
    -------
    whole : ndarray of int64, shape (N, K)
    scale : ndarray of float32, shape (N,)
    """
    numbers = np.asarray(rows, np.float32)
    top = np.abs(numbers).max(axis=1, initial=0)
    is_finite, is_zero = np.isfinite(top), top < SMALLEST
    safe = np.where(is_finite & ~is_zero, top, np.float32(1))
    factor = np.where(is_finite & ~is_zero, np.float32(largest) / safe, np.float32(0))
    scale = np.where(is_finite, np.where(is_zero, np.float32(0), safe / np.float32(largest)), np.float32("nan"))
    finite = np.where(is_finite[:, None], numbers, np.float32(0))
    return np.rint(finite * factor[:, None]).astype(np.int64), scale.astype(np.float32)


def quantized_product(x: ArrayLike, weight: ArrayLike, precision: str = "int8") -> Floats:
    """``x @ weight.T`` with every row of both in whole numbers, the sums exact.

    ::

        y = (whole_x @ whole_w.T) * (scale_x * scale_w)

    Parameters
    ----------
    x : array_like, shape (N, K)
    weight : array_like, shape (M, K)
    precision : {"int8", "int8_int16"}
        Whether rows of ``x`` have 8 bits, or 16 as far as sums of ``K`` products fit 32.

    Returns
    -------
    ndarray of float32, shape (N, M)

    Raises
    ------
    KeyError
        If ``precision`` is another.

    Examples
    --------
    >>> from fastlstm import reference
    >>> reference.quantized_product([[1.0, 0.5]], [[1.0, -1.0]])  # 0.5 becomes 64 of 127
    array([[0.496063]], dtype=float32)
    """
    weight = np.asarray(weight, np.float32)
    largest = min(LARGEST_LEFT[precision], (2**31 - 1) // LARGEST_WEIGHT // max(1, weight.shape[1]))
    whole_x, scale_x = to_whole_numbers(x, largest)
    whole_w, scale_w = to_whole_numbers(weight, LARGEST_WEIGHT)
    return (whole_x @ whole_w.T).astype(np.float32) * (scale_x[:, None] * scale_w)
