"""Numbers of 16 bits with the range of float32, which NumPy does not have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_float32(upper: NDArray[Any]) -> NDArray[np.float32]:
    """Return the numbers whose float32 bits begin with those of `upper`, in an array to read from."""
    bits = upper.astype(np.uint32)
    bits <<= 16
    bits.flags.writeable = False
    return bits.view(np.float32)
