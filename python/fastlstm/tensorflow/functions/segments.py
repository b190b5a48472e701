"""Rows with the same number, taken together."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm.keras import ops
from fastlstm.keras.foundation.boxes import bare


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: int) -> Any:
    """Largest entries of the rows with the same number; the least number of the dtype where there is none."""
    found, dtype = ops.segment_max(data, segment_ids, num_segments), np.dtype(bare(data).dtype)
    least = np.finfo(dtype).min if dtype.kind == "f" else np.iinfo(dtype).min
    return ops.where(ops.isfinite(found), found, np.asarray(least, dtype))


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: int) -> Any:
    """Means of the rows with the same number; 0 where there is none."""
    counts = np.bincount(np.asarray(segment_ids), minlength=num_segments).reshape(-1, *[1] * (data.ndim - 1))
    divisors = np.maximum(counts, 1).astype(bare(data).dtype)
    return ops.divide(ops.segment_sum(data, segment_ids, num_segments), divisors)
