"""The loss of a part of a batch: sums, and apart from them what they are to be divided by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from ...foundation.training_step import awaits_changes, sum_over_parts
from ...losses import apply_mask
from ..gradients import CountingObjective
from ..objective import Parts, Term, check_axes, factor_of, is_alone


class PartObjective(CountingObjective):
    """An `Objective` whose losses are sums over entries.

    The mean of a batch is the sum of the sums of its parts, over the sum of their counts; the mean of their means is
    another number where parts have more or fewer entries that count.

    Parameters
    ----------
    plan, losses, scales : Plan; sequence of Loss; sequence of float
        See `Objective`.
    """

    by_rows = False  # gradients are added up as one array

    def reduced(
        self, term: Term, entries: Array, weights: Array | None, mask: Array | None, dtype: np.dtype[Any]
    ) -> tuple[Array | None, float]:
        """See `mean_of`."""
        loss = term.loss
        if is_alone(entries):
            must = "give a value for every row where several ranks train, who have a part of the rows each"
            got, cure = "one for all rows", "; use mean(..., axis=-1)"
            checks.complain(ValueError, f"loss {loss.name!r}: call()", must, got, cure)
        counted = apply_mask(weights, mask, dtype, mean=False)
        factor_of(loss, entries, counted)
        check_axes(loss, entries, counted)
        self.note(term, entries, counted, mask)
        return counted, 1.0

    def broken_rows(self, xs: Sequence[Array], outputs: Sequence[Array], weights: Parts) -> Array | None:
        """See `Objective.broken_rows`; where layers have summed over parts, all go forth once more or none does."""
        rows = super().broken_rows(xs, outputs, weights)
        if not awaits_changes() or not self.weights_of_rows(weights):
            return rows
        counts = self.counts
        self.counts = [0.0] * self.count  # those of the parts that go on meanwhile
        anywhere = sum_over_parts(np.array([rows is not None], np.float64))[0]
        self.counts = counts
        return np.empty(0, np.intp) if rows is None and anywhere else rows
