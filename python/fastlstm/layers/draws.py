"""Random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastlstm.forks import safe_at_forks
from fastlstm.typing import Floats


def dropout_mask(rng: np.random.Generator, shape: tuple[int, ...], p: float, dtype: np.dtype[Any]) -> Floats:
    """Draw factors: 0 with probability `p`, else ``1 / (1 - p)``."""
    keep = safe_at_forks(rng).random(shape) >= p
    return cast(Floats, (keep * (1 / (1 - p) if p < 1 else 0.0)).astype(dtype))


def uniform(rng: np.random.Generator, bound: float, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    """Draw arrays of these shapes from ``-bound`` to ``bound``."""
    return {name: rng.uniform(-bound, bound, shape) for name, shape in shapes.items()}
