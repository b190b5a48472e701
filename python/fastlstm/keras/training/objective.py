"""What training makes small: the losses of a network's outputs, and the penalties."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.texts import is_text
from ..foundation.training_step import forget_changes
from ..foundation.variable import Variable, holding
from ..graph.network import Found, Network, Slopes
from ..graph.plan import Plan
from ..losses import Loss, Slope, apply_mask, scaled, weighted

Parts = Sequence[Any]
"""One entry for each output, or for each input: an array, or None."""

Forth: TypeAlias = tuple["Outcome", float, list[Any], Callable[[Slopes], tuple[list[Any], list[Array]]]]
"""What came of a batch, the penalty on outputs of layers, the slopes of the outputs, and the way back."""

Reduced: TypeAlias = Callable[["Term", Array, Array | None, Array | None, np.dtype[Any]], tuple[Array | None, float]]
"""What `mean_of` is."""


class Outcome(NamedTuple):
    """What came of one batch."""

    loss: float
    """All losses, each times its weight, and the penalties."""
    losses: list[float]
    """The loss of each output, 0 for one without."""
    outputs: list[Array]
    masks: list[Array | None]
    """Which entries of each output count, None if all do."""


class Term(NamedTuple):
    """The loss of one output."""

    number: int
    loss: Loss
    scale: float
    """What it is multiplied with."""
    fused: bool
    """Whether it takes the input of the output's activation."""


def mean_of(
    term: Term, entries: Array, weights: Array | None, mask: Array | None, dtype: np.dtype[Any]
) -> tuple[Array | None, float]:
    """Return the weights of the entries of a loss, None for none, and what their sum is multiplied with.

    Parameters
    ----------
    term : Term
        The loss.
    entries : ndarray
        Its values; a function of one's own may give the loss itself.
    weights, mask : ndarray, optional
        Sample weights, and what of the entries counts, both of their first axes.
    dtype : dtype
        That of the output.
    """
    loss, alone = term.loss, is_alone(entries)
    if mask is not None and not (alone and weights is None):
        weights = apply_mask(weights, mask, dtype, mean=loss.reduction in ("sum_over_batch_size", "mean"))
    if not alone:
        factor = factor_of(loss, entries, weights)
        check_axes(loss, entries, weights)
        return weights, factor
    # Keras takes it for the loss of everything that has a weight, and a mask alone changes nothing.
    return None, 1.0 if weights is None else float(weights.sum()) * factor_of(loss, weights, weights)


class Objective:
    """The losses of the outputs of a plan as one function with a gradient, with the settings of now.

    Parameters
    ----------
    plan : Plan
        The steps.
    losses : sequence of Loss
        The loss of each output, None for one without.
    scales : sequence of float
        What each is multiplied with.
    """

    reduced: Reduced = staticmethod(mean_of)
    """How the entries of a loss become one number."""
    by_rows = True
    """Whether gradients of large tables may come as a `RowGradient`."""

    def __init__(self, plan: Plan, losses: Sequence[Loss | None], scales: Sequence[float]) -> None:
        endings, bare = plan.endings(), []
        terms: list[Term] = []
        for k, loss in enumerate(losses):
            if loss is not None:
                # What the loss has built in: the activation of the last layer, or that of logits, which is none.
                built_in = loss.fused_activation
                fused = built_in == "linear"
                if not fused and built_in is not None and built_in == endings[k]:
                    bare.append(k)
                    fused = True
                terms.append(Term(k, loss, scales[k], fused))
        self.terms, self.count = terms, len(losses)
        self.network = Network(plan, bool(terms), bare, by_rows=self.by_rows)
        self.regularized = any([variable.regularizer is not None for variable in plan.weights])

    @property
    def variables(self) -> list[Variable]:
        """The weights that are trained."""
        return self.network.trained.variables

    @property
    def _regularized(self) -> list[tuple[int, Variable]]:
        return [(i, v) for i, v in enumerate(self.variables) if v.regularizer is not None]

    def evaluate(self, xs: Sequence[Array], ys: Parts, weights: Parts) -> Outcome:
        """Return the loss and the model's outputs."""
        with holding(self.network.plan.weights):
            outcome, penalty = self.judged(xs, ys, weights)
        return self._penalized(outcome, penalty)

    def judged(self, xs: Sequence[Array], ys: Parts, weights: Parts) -> tuple[Outcome, float]:
        """Return the losses and the model's outputs, and the penalty on outputs of layers."""
        found = self.network.run(xs)
        outcome, _ = self._of(ys, found, weights, need_slope=False)
        penalty = found.penalty
        if self.network.penalized:
            rows = self.broken_rows(xs, found.outputs, weights)
            penalty = penalty if rows is None else self.network.run(_without(xs, rows)).penalty
        return outcome, penalty

    def gradients(self, xs: Sequence[Array], ys: Parts, weights: Parts) -> tuple[Outcome, list[Array]]:
        """Return the loss and the model's outputs, and the gradient of every trainable weight."""
        with holding(self.network.plan.weights):
            outcome, penalty, slopes, pullback = self.forth(xs, ys, weights)
            gradients = pullback(slopes)[1]
        if self.regularized:
            self.penalize(gradients)
        return self._penalized(outcome, penalty), gradients

    def forth(self, xs: Sequence[Array], ys: Parts, weights: Parts) -> Forth:
        """Return what a way forth gives: the slopes of the outputs, and the way back from them, for one."""
        network = self.network
        found, pullback = network.vjp(xs)
        outcome, slopes = self._of(ys, found, weights)
        rows = self.broken_rows(xs, found.outputs, weights)
        if rows is not None:
            forget_changes()
            found, pullback = network.vjp(_without(xs, rows))
            slopes = self._of(ys, found, weights)[1]
        return outcome, found.penalty, slopes, pullback

    def penalize(self, gradients: list[Array]) -> None:
        """Add the gradients of the penalties on weights."""
        for i, variable in self._regularized:
            gradients[i] = gradients[i] + variable.regularizer.gradient(variable.value)  # type: ignore[union-attr]

    def broken_rows(self, xs: Sequence[Array], outputs: Sequence[Array], weights: Parts) -> Array | None:
        """Which rows count for no output but have NaN or infinity in them; None: no row.

        Their slope is 0, but on its way back it meets what the forward pass kept, and 0 * NaN is NaN.
        """
        given = self.weights_of_rows(weights)
        if not given or all(map(_finite, (*outputs, *xs))):
            return None
        if any(getattr(step.layer, "stateful", False) for step in self.network.plan.steps):
            return None
        counts = np.logical_or.reduce([_any_in_row(part != 0) for part in given])
        idle = np.flatnonzero(~counts)
        floats = [part for part in (*outputs, *xs) if part.dtype.kind == "f"]
        broken = np.logical_or.reduce([_any_in_row(~np.isfinite(part[idle])) for part in floats])
        return idle[broken] if broken.any() else None

    def weights_of_rows(self, weights: Parts) -> Parts:
        """Return the weights of all that rows count for; nothing if all rows count, as nearly always."""
        given = [weights[term.number] for term in self.terms if term.scale]
        return [] if any([part is None for part in given]) else given

    def _penalized(self, outcome: Outcome, on_outputs: float) -> Outcome:
        if not self.regularized and not self.network.penalized:
            return outcome
        return outcome._replace(loss=outcome.loss + self.penalty_on_weights() + on_outputs)

    def penalty_on_weights(self) -> float:
        """Return the penalties on weights."""
        return sum(v.regularizer(v.value) for _, v in self._regularized)  # type: ignore[misc]

    def _of(self, ys: Parts, found: Found, weights: Parts, need_slope: bool = True) -> tuple[Outcome, list[Any]]:
        """Return losses and outputs, and the slopes of the outputs."""
        outputs, masks = found.outputs.copy(), found.masks
        values, slopes = [0.0] * self.count, list[Any]([None] * self.count)
        total = 0.0
        for term in self.terms:
            k, _, scale, _ = term
            given = ys[k], outputs[k], weights[k], masks[k]
            value, outputs[k], slopes[k] = _one(term, *given, need_slope, self.reduced)
            values[k] = value
            if scale:  # what is not wanted may be anything, NaN too
                total += value * scale
        return Outcome(total, values, outputs, masks), slopes


def _one(
    term: Term, y: Array, out: Array, weights: Array | None, mask: Array | None, need_slope: bool, reduced: Reduced
) -> tuple[float, Array, Array | None]:
    """Return the loss of one output, the output, and the slope of its share in the whole."""
    loss = term.loss
    if type(loss).compared is not Loss.compared:
        y = loss.compared(y, partial(_counted, weights, mask, out.dtype))
    need_slope = need_slope and term.scale != 0
    pullback: Slope | None = None
    if term.fused:
        entries, output, gradient = loss.fused(y, out)
        pullback = partial(scaled, gradient)
    elif mask is not None and type(loss).with_mask is not Loss.with_mask:
        (entries, pullback, mask), output = loss.with_mask(y, out, mask), out
    elif need_slope:
        (entries, pullback), output = loss.with_pullback(y, out), out
    else:
        entries, output = loss.call(y, out), out
    weights, factor = reduced(term, entries, weights, mask, out.dtype)
    value = float(np.add.reduce(entries if weights is None else weighted(entries, weights), axis=None)) * factor
    if pullback is None or not need_slope:
        return value, output, None
    return value, output, pullback(weights, factor * term.scale)


def is_alone(entries: Any) -> bool:
    """Whether there is one number for a whole batch."""
    return getattr(entries, "shape", ()) == ()


def _counted(weights: Array | None, mask: Array | None, dtype: np.dtype[Any]) -> Array | None:
    """Which entries count, by weights and by a mask; None: all."""
    found = apply_mask(weights, mask, dtype, mean=False)
    return None if found is None else found != 0


def factor_of(loss: Loss, entries: Array, weights: Array | None) -> float:
    """Return what the sum of the weighted entries is multiplied with."""
    factor = loss.scale(entries, weights)
    if factor is None:
        must = "give a single value to minimize"
        checks.complain(ValueError, f"loss {loss.name!r}: reduction", must, repr(loss.reduction), "; use another")
    return factor


def check_axes(loss: Loss, entries: Array, weights: Array | None) -> None:
    """Raise if there are weights for more axes than a loss has entries for."""
    if weights is not None and weights.ndim > entries.ndim:
        must = f"give one value a step for weights or a mask of shape {weights.shape}"
        checks.complain(ValueError, f"loss {loss.name!r}: call()", must, f"values of shape {entries.shape}")


def _finite(values: Array) -> bool:
    """Whether there is neither NaN nor infinity; a sum that overflows may say so wrongly."""
    if values.dtype.kind != "f":
        return True
    return math.isfinite(np.add.reduce(values, axis=None))


def _any_in_row(flags: Array) -> Array:
    result: Array = np.logical_or.reduce(flags, axis=tuple(range(1, flags.ndim)))
    return result


def _without(xs: Sequence[Array], rows: Array) -> list[Array]:
    """Return inputs with zeros in these rows."""
    copies = [x.copy() for x in xs]
    for x in copies:
        x[rows] = "" if is_text(x) else 0
    return copies
