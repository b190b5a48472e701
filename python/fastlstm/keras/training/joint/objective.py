"""What the ranks of a job make small together: each its parts of a batch, with the denominators of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from fastlstm import checks

from ...distribution import DataParallel
from ...foundation.arrays import Array
from ...foundation.training_step import Change, Total, change, part_of_batch
from ...foundation.variable import Variable, holding
from ...graph.network import Slopes
from ..data import Batch, Parts
from ..objective import Outcome
from .figures import Form
from .flat import Flattened
from .meters import JointMeters, JointOutcome
from .noise import Noise
from .parts import PartObjective
from .turns import Turns, Work

T = TypeVar("T")

Pullback = Callable[[Slopes], tuple[list[Any], list[Array]]]


class _Gone(NamedTuple):
    """A part of a batch after the way forth."""

    sums: Array
    """What is added up: rows, penalty on outputs times rows, sums of losses, what they are over, metrics."""
    form: Form
    """Of the metrics."""
    slopes: list[Any]
    pullback: Pullback | None
    changes: list[Change]
    """What layers change by themselves."""


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
        self._refuse_stateful()

    def _refuse_stateful(self) -> None:
        for layer in self._part.network.plan.working_layers:
            if getattr(layer, "stateful", False):
                must = "have no layer that is stateful where several ranks train"
                cure = ", which must see all rows of a batch; train in one process"
                checks.complain(ValueError, "the model", must, layer.name, cure)

    def _begin(self) -> None:
        """Get ready for the first step."""
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
            gone = self._taken(self._judged, xs, ys, weights)
        return self._outcome(self._summed(gone), gone)

    def gradients(
        self, xs: Sequence[Any], ys: Sequence[Parts], weights: Sequence[Parts]
    ) -> tuple[JointOutcome, list[Array]]:
        """Return the loss, what metrics gather, and the gradient of every trainable weight."""
        if self._flattened is None:
            self._begin()
        with holding(self._part.network.plan.weights):
            with self._noise.step():
                gone = self._taken(self._forth, xs, ys, weights)
            sums = self._summed(gone)
            gradients = self._back(gone, sums)
        self._part.penalize(gradients)
        return self._outcome(sums, gone), gradients

    def _taken(self, way: Callable[..., _Gone], *given: Sequence[Any]) -> dict[int, _Gone]:
        """Return the parts that have rows, by their numbers, after a way forth; layers change what they did in one."""
        parts = {k: part for k, part in enumerate(zip(*given, strict=True)) if len(part[0][0])}
        gone = self._in_turns({k: partial(way, k, part) for k, part in parts.items()})
        for made, of_all in next(iter(gone.values())).changes:
            if not of_all:
                must = "leave weights that are not trained as they are where several ranks train"
                got, cure = "one whose call() assigns to them", "; train in one process"
                checks.complain(ValueError, "layers", must, got, cure)
            change(made, of_all)
        return gone

    def _in_turns(self, works: dict[int, Work[T]]) -> dict[int, T]:
        return Turns(works, self._added, self._noise.aside).taken()

    def _judged(self, number: int, given: Batch, total: Total) -> _Gone:
        with part_of_batch(total) as step:
            outcome, penalty = self._part.judged(*given)
        return _Gone(*self._sums_of(outcome, penalty, given), [], None, step.changes or [])

    def _forth(self, number: int, given: Batch, total: Total) -> _Gone:
        with self._noise.of(self._first + number), part_of_batch(total) as step:
            outcome, penalty, slopes, pullback = self._part.forth(*given)
        return _Gone(*self._sums_of(outcome, penalty, given), slopes, pullback, step.changes or [])

    def _sums_of(self, outcome: Outcome, penalty: float, given: Batch) -> tuple[Array, Form]:
        """Return what is added up of a part, and the form of what metrics gather of it."""
        if self._meters is None:
            self._meters = self._new_meters()
        gathered, form = self._meters.measured(outcome, given[1], given[2])
        rows = len(given[0][0])
        return np.concatenate([[rows, penalty * rows, *outcome.losses, *self._part.counts], gathered]), form

    def _summed(self, gone: dict[int, _Gone]) -> Array:
        """Return the sums over the parts of all ranks."""
        return self._added({k: part.sums for k, part in gone.items()})

    def _added(self, own: dict[int, Array]) -> Array:
        """Return the sum of arrays over the parts of all ranks, of which these are this rank's by their numbers."""
        nothing = np.zeros_like(next(iter(own.values())))
        parts = range(len(self._distribution.own_parts))
        return self._distribution.sum([own.get(k, nothing).copy() for k in parts])

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
        # The penalty on the outputs of a part is a mean over its rows.
        penalized, divisors = self._part.network.penalized, self._divisors(sums)
        shares = {k: float(part.sums[0] / sums[0]) if penalized else 1.0 for k, part in gone.items()}
        self._in_turns({k: partial(self._part_back, k, part, divisors, shares[k]) for k, part in gone.items()})
        for k in {*range(len(self._distribution.own_parts))} - {*gone}:
            self._flattened.put(k, None, 1.0)
        return self._flattened.sum(self._distribution)

    def _part_back(self, number: int, part: _Gone, divisors: list[float], share: float, total: Total) -> None:
        """Take a part back; one that is without rows for the others' sake, who may ask for sums on the way."""
        assert self._flattened is not None
        assert part.pullback is not None
        pairs = zip(part.slopes, divisors, strict=True)
        slopes = [None if slope is None else slope * _over(1 / share, divisor) for slope, divisor in pairs]
        with part_of_batch(lambda own: total(own * share) / share):
            gradients = part.pullback(slopes)[1]
        if number < len(self._distribution.own_parts):
            self._flattened.put(number, gradients, share)

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
