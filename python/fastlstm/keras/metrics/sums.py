"""Metrics of sums over all rows, one for every entry of the last axis."""

from typing import Any

import numpy as np

from .. import losses
from ..foundation.arrays import Array, any_numbers
from .base import Metric
from .thresholds import alike, entry_weights


class ColumnSums(Metric):
    """Base of the metrics that gather sums over rows and steps; they define `terms` and `value`."""

    direction = "up"

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self._sums = np.zeros((0, 0))

    def check(self, y_true: Array, output_shape: tuple[int | None, ...]) -> None:
        """See `Metric`."""
        alike(self.name, y_true[:1], np.empty([1 if size is None else size for size in (1, *output_shape[1:])]))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch; what has no weight may be anything."""
        outputs = losses.as_outputs(y_pred)
        labels, outputs = alike(self.name, any_numbers(y_true, "y_true"), outputs)
        weights = entry_weights(sample_weight, outputs.shape)
        columns = outputs.shape[-1] if outputs.ndim > 1 else 1
        flat = [part.reshape(-1, columns).astype(np.float64) for part in (labels, outputs, weights)]
        counts = (flat[2] != 0).any(axis=1)
        terms = self.terms(*(part[counts] for part in flat))
        found = np.stack([np.add.reduce(term, axis=0) for term in terms])
        self._sums = found if not self._sums.size else self._sums + found

    def terms(self, y_true: Array, y_pred: Array, weights: Array) -> tuple[Array, ...]:
        """Return what is summed, each of shape (rows, columns)."""
        raise NotImplementedError

    def value(self, *sums: Array) -> Any:
        """Return the result from the sums, each of shape (columns,)."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return the value so far, 0 before the first batch."""
        return self.value(*self._sums) if self._sums.size else 0.0

    def reset_state(self) -> None:
        """Forget everything."""
        super().reset_state()
        self._sums = np.zeros((0, 0))
