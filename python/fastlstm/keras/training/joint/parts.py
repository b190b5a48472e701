"""The loss of a part of a batch: sums, and apart from them what they are to be divided by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from ...graph.plan import Plan
from ...losses import Loss, apply_mask
from ..objective import Objective, Term, check_axes, factor_of, is_alone


class PartObjective(Objective):
    """An `Objective` whose losses are sums over entries.

    The mean of a batch is the sum of the sums of its parts, over the sum of their denominators; the mean of their means
    is another number where parts have more or fewer entries that count.

    Parameters
    ----------
    plan, losses, scales
        See `Objective`.
    """

    def __init__(self, plan: Plan, losses: Sequence[Loss | None], scales: Sequence[float]) -> None:
        super().__init__(plan, losses, scales)
        self.denominators = [0.0] * self.count
        """Those of the part that was taken last, one for each output."""

    def reduced(
        self, term: Term, entries: Array, weights: Array | None, mask: Array | None, dtype: np.dtype[np.floating]
    ) -> tuple[Array | None, float]:
        """See `mean_of`; note the denominator."""
        loss = term.loss
        if is_alone(entries):
            must = "give a value for every row where several ranks train, who have a part of the rows each"
            checks.complain(ValueError, f"loss {loss.name!r}: call()", must, "one for all rows")
        counted = apply_mask(weights, mask, dtype, mean=False)
        factor_of(loss, entries, counted)
        check_axes(loss, entries, counted)
        self.denominators[term.number] = _denominator(loss, entries, counted, mask)
        return counted, 1.0


def _denominator(loss: Loss, entries: Array, weights: Array | None, mask: Array | None) -> float:
    """Return the share of a part in what the loss of a batch is divided by."""
    if loss.reduction == "mean_with_sample_weight" and weights is not None:
        return float(weights.sum(dtype=np.float64))
    if mask is None:
        return float(entries.size)
    return float(np.count_nonzero(mask)) * (entries.size // max(mask.size, 1))
