"""Random factors."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from fastlstm.forks import safe_at_forks
from fastlstm.typing import Floats


def dropout_mask(rng: np.random.Generator, shape: tuple[int, ...], p: float, dtype: np.dtype[Any]) -> Floats:
    """Draw factors: 0 with probability `p`, else ``1 / (1 - p)``."""
    keep = safe_at_forks(rng).random(shape) >= p
    return cast(Floats, (keep * (1 / (1 - p) if p < 1 else 0.0)).astype(dtype))
