"""Orders of entries, and entries by their places or numbers."""

from typing import Any

import numpy

from fastlstm import checks

from ..foundation.boxes import bare
from .function import chosen, operation
from .reductions import entries_at


@operation
def argsort(np: Any, x: Any, axis: int | None = -1) -> Any:
    """Places of the entries in rising order."""
    return numpy.argsort(bare(x), axis=axis, kind="stable").astype(numpy.int32)


@operation
def sort(np: Any, x: Any, axis: int = -1) -> Any:
    """Entries in rising order."""
    return np.sort(x, axis=axis) if np is numpy else entries_at(x, numpy.argsort(bare(x), axis=axis), axis)


@operation
def top_k(np: Any, x: Any, k: int, sorted: bool = True) -> Any:
    """The `k` largest entries along the last axis, and their places."""
    k = checks.whole_number("k", k, at_least=0, at_most=x.shape[-1])
    places = numpy.argsort(-bare(x), axis=-1, kind="stable")[..., :k]
    return [entries_at(x, places, -1), places.astype(numpy.int32)]


@operation
def in_top_k(np: Any, targets: Any, predictions: Any, k: int) -> Any:
    """Whether the class numbers ``(N,)`` are among the `k` largest of the predictions ``(N, classes)``."""
    predictions, targets = bare(predictions), numpy.asarray(bare(targets), numpy.int64)
    own = numpy.take_along_axis(predictions, targets[:, None], -1)
    return numpy.logical_and((predictions > own).sum(-1) < k, numpy.isfinite(own[:, 0]))


@operation
def searchsorted(np: Any, sorted_sequence: Any, values: Any, side: Any = "left") -> Any:
    """Places at which values fit into a sequence in rising order."""
    return numpy.searchsorted(bare(sorted_sequence), bare(values), side).astype(numpy.int32)


@operation
def digitize(np: Any, x: Any, bins: Any) -> Any:
    """Number of the bin that every entry falls into."""
    return numpy.digitize(bare(x), bins).astype(numpy.int32)


@operation
def bincount(np: Any, x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each number occurs, or the sum of its weights."""
    counts = numpy.bincount(bare(x), bare(weights), minlength)
    return counts.astype(numpy.int32) if weights is None else counts.astype(bare(weights).dtype)


@operation
def segment_sum(np: Any, data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Sums of the rows with the same number."""
    numbers = numpy.asarray(bare(segment_ids), numpy.int64)
    count = int(numbers.max()) + 1 if num_segments is None else num_segments
    hot = (numpy.arange(count)[:, None] == numbers).astype(bare(data).dtype)
    return np.tensordot(hot, data, 1)


@operation
def segment_max(np: Any, data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Largest entries of the rows with the same number; -infinity where there is none."""
    numbers = numpy.asarray(bare(segment_ids), numpy.int64)
    count = int(numbers.max()) + 1 if num_segments is None else num_segments
    own = (numbers == numpy.arange(count)[:, None]).reshape(count, -1, *[1] * (data.ndim - 1))
    return np.max(chosen(np, own, data[None], -numpy.inf), axis=1)
