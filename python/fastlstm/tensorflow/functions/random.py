"""Random numbers with the arguments that TensorFlow's functions have."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.keras import random


def categorical(logits: Any, num_samples: int, dtype: Any = None, seed: Any = None) -> Any:
    """Class numbers ``(N, num_samples)``, drawn by the logits ``(N, classes)``."""
    return random.categorical(logits, num_samples, "int64" if dtype is None else dtype, seed)


def shuffle(value: Any, seed: Any = None) -> Any:
    """`value` with the entries along the first axis in any order."""
    return random.shuffle(np.asarray(value), 0, seed)


def uniform(shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: Any = None) -> Any:
    """Numbers from `minval`, and below `maxval`, all as likely; whole ones for such a `dtype`."""
    kind = checks.any_dtype("dtype", dtype).kind
    if kind not in "iu":
        return random.uniform(shape, minval, 1 if maxval is None else maxval, dtype, seed)
    if maxval is None:
        checks.refuse(ValueError, "maxval", "given for whole numbers", None)
    return random.randint(shape, minval, maxval, dtype, seed)
