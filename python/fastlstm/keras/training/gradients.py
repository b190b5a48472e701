"""Gradients without a step, for engines of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..foundation.arrays import Array
from ..foundation.random import OwnSources
from ..foundation.training_step import training_step
from ..graph.plan import Plan
from ..losses import Loss, apply_mask
from .data import Batch
from .objective import Objective, Term, mean_of
from .preparing import Preparation
from .run_options import class_weights


class Gradients(NamedTuple):
    """What `compute_gradients` gives."""

    loss: float
    """As `fit` logs it: all losses, each times its weight, and the penalties."""
    gradients: list[Array]
    """One for each of the model's `trainable_variables`."""
    counts: list[float]
    """What each output's loss is a mean over: entries that count or, by its reduction, their weights; 0 without one."""


class CountingObjective(Objective):
    """An `Objective` that says what the means are over.

    Parameters
    ----------
    plan, losses, scales : Plan; sequence of Loss; sequence of float
        See `Objective`.
    """

    def __init__(self, plan: Plan, losses: Sequence[Loss | None], scales: Sequence[float]) -> None:
        super().__init__(plan, losses, scales)
        self.counts = [0.0] * self.count
        """Those of the batch that was taken last, one for each output; 0 for one without a loss."""

    def note(self, term: Term, entries: Array, weights: Array | None, mask: Array | None) -> None:
        """Note the count of a loss; `weights` are zero where the mask leaves out."""
        if term.loss.reduction == "mean_with_sample_weight" and weights is not None:
            count = float(weights.sum(dtype=np.float64))
        elif mask is None:
            count = float(entries.size)
        else:
            count = float(np.count_nonzero(mask)) * (entries.size // max(mask.size, 1))
        self.counts[term.number] = count

    def reduced(
        self, term: Term, entries: Array, weights: Array | None, mask: Array | None, dtype: np.dtype[Any]
    ) -> tuple[Array | None, float]:
        """See `mean_of`."""
        self.note(term, np.asarray(entries), apply_mask(weights, mask, dtype, mean=False), mask)
        return mean_of(term, entries, weights, mask, dtype)


class GivesGradients:
    """What of a `Trainer` gives gradients."""

    _numbers: OwnSources

    def _prepare(self, x: Any, y: Any, weights: Any, class_weight: Any = None) -> Batch:
        raise NotImplementedError

    def _preparing(self) -> Preparation:
        raise NotImplementedError

    def _settings(self, loss: bool = False) -> Any:
        raise NotImplementedError

    def compute_gradients(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: dict[int, float] | None = None
    ) -> Gradients:
        """Return the loss of a batch, its gradients, and what the loss is a mean over. The weights stay.

        With `Optimizer.apply_gradients` this is a step of training in two halves, with room for what another engine
        does in between. Dropout drops; averages that layers keep by themselves follow. No distribution is part of it.

        Parameters
        ----------
        x, y, sample_weight, class_weight : array_like; dict
            See `fit`; one batch.

        Returns
        -------
        Gradients

        Notes
        -----
        With gradients ``g_k`` and counts ``n_k`` of the only output over parts of a batch, the gradient of the whole is
        ``sum(n_k * g_k) / sum(n_k)``. The mean of the ``g_k`` is another one where the counts differ, as they do with
        masks. Penalties on weights are in each ``g_k``, and so once in the whole.

        Examples
        --------
        >>> import numpy as np
        >>> from fastlstm.keras import Input, Sequential, layers
        >>> model = Sequential([Input((1,)), layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> loss, gradients, counts = model.compute_gradients(np.array([[1.0], [2.0]]), np.zeros((2, 1)))
        >>> loss, [g.tolist() for g in gradients], counts
        (2.5, [[[5.0]], [3.0]], [2.0])
        >>> model.optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        1
        """
        self._settings(loss=True)
        batch = self._prepare(x, y, sample_weight, class_weights(class_weight))
        prepared = self._preparing()
        objective = CountingObjective(prepared.plan, prepared.losses, prepared.scales)
        with np.errstate(all="ignore"), self._numbers.drawing(), training_step() as step:
            outcome, gradients = objective.gradients(*batch)
        step.make_changes()
        whole = [gradient if isinstance(gradient, np.ndarray) else gradient.whole() for gradient in gradients]
        return Gradients(outcome.loss, whole, objective.counts)
