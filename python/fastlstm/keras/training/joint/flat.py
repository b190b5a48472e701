"""The gradients of all weights as one array, to be summed over parts of a batch in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...distribution import DataParallel
from ...foundation.arrays import Array
from ...foundation.variable import Variable
from ...optimizers.flat import spans_of


class _Kind(NamedTuple):
    """The weights of one dtype."""

    numbers: list[int]
    spans: list[slice]
    parts: Array
    """Their gradients, a row for each part."""


class Flattened:
    """Gradients of the parts that a rank has of a batch.

    Parameters
    ----------
    variables : sequence of Variable
        The weights.
    parts : int
        How many there are.
    """

    def __init__(self, variables: Sequence[Variable], parts: int) -> None:
        self._shapes = [variable.shape for variable in variables]
        dtypes = [variable.dtype for variable in variables]
        self._kinds = [
            self._kind(dtype, [k for k, own in enumerate(dtypes) if own == dtype], parts)
            for dtype in dict.fromkeys(dtypes)
        ]

    def _kind(self, dtype: np.dtype[np.floating], numbers: list[int], parts: int) -> _Kind:
        sizes = [int(np.prod(self._shapes[k])) for k in numbers]
        return _Kind(numbers, spans_of(sizes), np.empty((parts, sum(sizes)), dtype))

    def put(self, part: int, gradients: Sequence[Array] | None, share: float) -> None:
        """Take the gradients of a part, times its share in the whole; None: it has no rows."""
        for numbers, spans, parts in self._kinds:
            flat = parts[part]
            if gradients is None:
                flat[...] = 0
                continue
            for k, span in zip(numbers, spans, strict=True):
                flat[span] = gradients[k].reshape(-1)
            if share != 1:
                flat *= share

    def sum(self, distribution: DataParallel) -> list[Array]:
        """Return the sums of the gradients over the parts of all ranks."""
        found: list[Array] = [np.empty(0)] * len(self._shapes)
        for numbers, spans, parts in self._kinds:
            total = distribution.sum(list(parts))
            for k, span in zip(numbers, spans, strict=True):
                found[k] = total[span].reshape(self._shapes[k])
        return found
