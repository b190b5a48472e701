"""Rounding to bfloat16, the upper half of a float32: what the bfloat16 kernels do to the operands of products."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def to_bfloat16(numbers: ArrayLike) -> NDArray[np.float32]:
    """Round to the nearest bfloat16, ties to even.

    Parameters
    ----------
    numbers : array_like
        Cast to float32.

    Returns
    -------
    ndarray of float32
        Numbers of 8 significant bits, NaN where there is NaN, infinity from halfway past the largest on.

    Examples
    --------
    >>> from fastlstm import reference
    >>> reference.to_bfloat16([1.0, 0.1])
    array([1.        , 0.10009766], dtype=float32)
    """
    given = np.asarray(numbers, np.float32)
    bits = given.view(np.uint32)
    odd = bits >> np.uint32(16) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(given), np.float32("nan"), rounded.view(np.float32))
