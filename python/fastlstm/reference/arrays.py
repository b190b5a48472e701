"""Types of the reference."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
States: TypeAlias = tuple[Array, ...]  # (h,) or (h, c); what a cell shows of itself, h, always comes first
