"""What the ranks of a job make small together: each its parts of a batch, with the denominators of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from ...distribution import DataParallel
from ...foundation.arrays import Array
from ...foundation.training_step import awaits_changes
from ...foundation.variable import Variable, holding
from ...graph.network import Slopes
from ..data import Batch, Parts
from ..objective import Outcome
from .figures import Form
from .flat import Flattened
from .meters import JointMeters, JointOutcome
from .noise import Noise
from .parts import PartObjective

Pullback = Callable[[Slopes], tuple[list[Any], list[Array]]]


class _Gone(NamedTuple):
    """A part of a batch after the way forth."""

    sums: Array
    """What is added up: rows, penalty on outputs times rows, sums of losses, what they are over, metrics."""
    form: Form
    """Of the metrics."""
    slopes: list[Any]
    pullback: Pullback | None


class JointObjective:
    """An `Objective` of which every rank computes parts; all get the same sums.

    Parameters
    ----------
    part : PartObjective
        The objective of a part.
    distribution : DataParallel
        The ranks.
    meters : callable
        Gives meters to measure a part with.
    noise : Noise
        What parts draw from.
    """

    def __init__(
        self, part: PartObjective, distribution: DataParallel, meters: Callable[[], JointMeters], noise: Noise
    ) -> None:
        self._part, self._distribution, self._new_meters, self._noise = part, distribution, meters, noise
        self._first = distribution.own_parts.start
        self._meters: JointMeters | None = None
        self._flattened: Flattened | None = None
        self._refuse("stateful", "no layer that is stateful")

    def _refuse(self, kind: str, what: str) -> None:
        """Refuse layers that have to see all rows of a batch."""
        for layer in self._part.network.plan.working_layers:
            if getattr(layer, kind, False) and (kind == "stateful" or layer.trainable):
                cure = ", which must see all rows of a batch; train in one process"
                checks.complain(ValueError, "the model", f"have {what} where several ranks train", layer.name, cure)

    def _begin(self) -> None:
        """Refuse what cannot be trained, before the first step."""
        self._refuse("joins_rows", "no BatchNormalization that is trainable")
        shapes = [variable.shape for variable in self.variables]
        self._distribution.agree("the weights that are trained", shapes)
        self._flattened = Flattened(self.variables, len(self._distribution.own_parts))

    @property
    def variables(self) -> list[Variable]:
        """The weights that are trained."""
        return self._part.variables

    def evaluate(self, xs: Sequence[Any], ys: Sequence[Parts], weights: Sequence[Parts]) -> JointOutcome:
        """Return the loss, and what metrics gather; for arguments as `Shares` has them."""
        with holding(self._part.network.plan.weights):
            gone = {k: self._judged(given) for k, given in _there(xs, ys, weights)}
        return self._outcome(self._summed(gone), gone)

    def gradients(
        self, xs: Sequence[Any], ys: Sequence[Parts], weights: Sequence[Parts]
    ) -> tuple[JointOutcome, list[Array]]:
        """Return the loss, what metrics gather, and the gradient of every trainable weight."""
        if self._flattened is None:
            self._begin()
        gone = dict[int, _Gone]()
        with holding(self._part.network.plan.weights):
            with self._noise.step():
                for k, given in _there(xs, ys, weights):
                    with self._noise.of(self._first + k):
                        gone[k] = self._forth(given)
            self._refuse_changes()
            sums = self._summed(gone)
            gradients = self._back(gone, sums)
        self._part.penalize(gradients)
        return self._outcome(sums, gone), gradients

    def _judged(self, given: Batch) -> _Gone:
        outcome, penalty = self._part.judged(*given)
        return self._gone(outcome, penalty, given, [], None)

    def _forth(self, given: Batch) -> _Gone:
        outcome, penalty, slopes, pullback = self._part.forth(*given)
        return self._gone(outcome, penalty, given, slopes, pullback)

    def _gone(
        self, outcome: Outcome, penalty: float, given: Batch, slopes: list[Any], pullback: Pullback | None
    ) -> _Gone:
        if self._meters is None:
            self._meters = self._new_meters()
        gathered, form = self._meters.measured(outcome, given[1], given[2])
        rows = len(given[0][0])
        sums = [rows, penalty * rows, *outcome.losses, *self._part.counts]
        return _Gone(np.concatenate([sums, gathered]), form, slopes, pullback)

    def _refuse_changes(self) -> None:
        if awaits_changes():
            must = "leave weights that are not trained as they are where several ranks train"
            checks.complain(ValueError, "layers", must, "one whose call() assigns to them")

    def _summed(self, gone: dict[int, _Gone]) -> Array:
        """Return the sums over the parts of all ranks."""
        nothing = np.zeros_like(next(iter(gone.values())).sums)
        parts = range(len(self._distribution.own_parts))
        return self._distribution.sum([gone[k].sums.copy() if k in gone else nothing.copy() for k in parts])

    def _divisors(self, sums: Array) -> list[float]:
        """Return what the sum of each output's loss is divided by; 0: nothing counts."""
        found: list[float] = sums[2 + self._part.count : 2 + 2 * self._part.count].tolist()
        for term in self._part.terms:
            if term.loss.reduction == "sum":
                found[term.number] = 1.0
        return found

    def _back(self, gone: dict[int, _Gone], sums: Array) -> list[Array]:
        """Return the gradients, which go back with the divisors of the whole batch."""
        assert self._flattened is not None
        divisors = self._divisors(sums)
        for k in range(len(self._distribution.own_parts)):
            gradients, share = None, 1.0
            if k in gone:
                # The penalty on the outputs of a part is a mean over its rows.
                share = float(gone[k].sums[0] / sums[0]) if self._part.network.penalized else 1.0
                gradients = self._of_part(gone[k], divisors, share)
            self._flattened.put(k, gradients, share)
        return self._flattened.sum(self._distribution)

    def _of_part(self, part: _Gone, divisors: list[float], share: float) -> list[Array]:
        assert part.pullback is not None
        pairs = zip(part.slopes, divisors, strict=True)
        slopes = [None if slope is None else slope * _over(1 / share, divisor) for slope, divisor in pairs]
        return part.pullback(slopes)[1]

    def _outcome(self, sums: Array, gone: dict[int, _Gone]) -> JointOutcome:
        count, rows = self._part.count, int(sums[0])
        values = sums[2 : 2 + count].tolist()
        losses = [_over(value, divisor) for value, divisor in zip(values, self._divisors(sums), strict=True)]
        loss = sum(losses[term.number] * term.scale for term in self._part.terms if term.scale)
        loss += self._part.penalty_on_weights() + sums[1] / rows
        return JointOutcome(float(loss), losses, rows, sums[2 + 2 * count :], next(iter(gone.values())).form)


def _over(value: float, divisor: float) -> float:
    """Return a quotient, 0 where nothing counts."""
    return value / divisor if divisor else 0.0


def _there(xs: Sequence[Any], ys: Sequence[Parts], weights: Sequence[Parts]) -> list[tuple[int, Batch]]:
    """Return the parts that have rows, and their numbers."""
    return [(k, given) for k, given in enumerate(zip(xs, ys, weights, strict=True)) if len(given[0][0])]
