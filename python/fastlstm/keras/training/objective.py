"""What training makes small: the losses of a network's outputs, and the penalties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..foundation.arrays import Array
from ..foundation.deferring import forget_changes
from ..foundation.variable import holding
from ..graph.network import Found, Network
from ..graph.plan import Plan
from ..losses import Loss, apply_mask, weighted

Parts = Sequence[Any]
"""One entry for each output, or for each input: an array, or None."""


class Outcome(NamedTuple):
    """What came of one batch."""

    loss: float
    """All losses, each times its weight, and the penalties."""
    losses: list[float]
    """The loss of each output, 0 for one without."""
    outputs: list[Array]
    masks: list[Array | None]
    """Which entries of each output count, None if all do."""


class Objective:
    """The losses of the outputs of a plan as one function with a gradient, with the settings of now.

    Parameters
    ----------
    plan
        The steps.
    losses
        The loss of each output, None for one without.
    scales
        What each is multiplied with.
    """

    def __init__(self, plan: Plan, losses: Sequence[Loss | None], scales: Sequence[float]) -> None:
        self.losses, self.scales = list(losses), list(scales)
        endings = plan.endings()
        wanted = [None if loss is None else loss.fused_activation for loss in losses]
        # What the loss has built in: the activation of the last layer, or that of logits, which is none.
        bare = [k for k, name in enumerate(wanted) if name not in (None, "linear") and name == endings[k]]
        self.fused = [k in bare or name == "linear" for k, name in enumerate(wanted)]
        self.network = Network(plan, any(loss is not None for loss in losses), bare)
        self.variables = self.network.variables
        self.regularized = [(i, v) for i, v in enumerate(self.variables) if v.regularizer is not None]
        self.stateful = any(getattr(step.layer, "stateful", False) for step in plan.steps)

    def evaluate(self, xs: Sequence[Array], ys: Parts, weights: Parts) -> Outcome:
        """Return the loss and the model's outputs."""
        with holding(self.network.plan.weights):
            found = self.network.run(xs)
            outcome, _ = self._of(ys, found, weights, need_slope=False)
            penalty = found.penalty
            if self.network.penalized:
                rows = self._broken_rows(xs, found.outputs, weights)
                penalty = penalty if rows is None else self.network.run(_without(xs, rows)).penalty
        return self._penalized(outcome, penalty)

    def gradients(self, xs: Sequence[Array], ys: Parts, weights: Parts) -> tuple[Outcome, list[Array]]:
        """Return the loss and the model's outputs, and the gradient of every trainable weight."""
        with holding(self.network.plan.weights):
            found, pullback = self.network.vjp(xs)
            outcome, slopes = self._of(ys, found, weights)
            rows = self._broken_rows(xs, found.outputs, weights)
            if rows is not None:
                forget_changes()
                found, pullback = self.network.vjp(_without(xs, rows))
                slopes = self._of(ys, found, weights)[1]
            gradients = pullback(slopes)[1] if self.variables else []
        for i, variable in self.regularized:
            gradients[i] = gradients[i] + variable.regularizer.gradient(variable.value)  # type: ignore[union-attr]
        return self._penalized(outcome, found.penalty), gradients

    def _broken_rows(self, xs: Sequence[Array], outputs: Sequence[Array], weights: Parts) -> Array | None:
        """Which rows do not count but have NaN or infinity in them; None: no row.

        Their slope is 0, but on its way back it meets what the forward pass kept, and 0 * NaN is NaN.
        """
        given = [part for part in weights if part is not None]
        if len(given) < len(weights) or self.stateful or all(map(_finite, (*outputs, *xs))):
            return None
        counts = np.logical_or.reduce([_any_in_row(part != 0) for part in given])
        idle = np.flatnonzero(~counts)
        broken = np.logical_or.reduce([_any_in_row(~np.isfinite(part[idle])) for part in (*outputs, *xs)])
        return idle[broken] if broken.any() else None

    def _penalized(self, outcome: Outcome, on_outputs: float) -> Outcome:
        if not self.regularized and not self.network.penalized:
            return outcome
        on_weights = sum(v.regularizer(v.value) for _, v in self.regularized)  # type: ignore[misc]
        return outcome._replace(loss=outcome.loss + on_weights + on_outputs)

    def _of(self, ys: Parts, found: Found, weights: Parts, need_slope: bool = True) -> tuple[Outcome, list[Any]]:
        """Return losses and outputs, and the slopes of the outputs."""
        total, values, outputs, slopes = 0.0, list[float](), list[Array](), list[Any]()
        for k, loss in enumerate(self.losses):
            out, mask = found.outputs[k], found.masks[k]
            value, slope = 0.0, None
            if loss is not None:
                value, out, slope = _one(loss, ys[k], out, weights[k], mask, self.fused[k], need_slope)
                total += value * self.scales[k]
                slope = slope if slope is None or self.scales[k] == 1 else slope * out.dtype.type(self.scales[k])
            values.append(value)
            outputs.append(out)
            slopes.append(slope)
        return Outcome(total, values, outputs, found.masks), slopes


def _one(
    loss: Loss, y: Array, out: Array, weights: Array | None, mask: Array | None, fused: bool, need_slope: bool
) -> tuple[float, Array, Array | None]:
    """Return the loss of one output, the output, and the slope of the loss."""
    slope: Array | None = None
    if fused:
        entries, output, slope = loss.fused(y, out)
    else:
        entries, output = loss.call(y, out), out
        slope = loss.gradient(y, out) if need_slope else None
    if np.ndim(entries) == 0:  # a function of one's own that gives the loss itself
        return float(entries), output, slope
    weights = apply_mask(weights, mask, out.dtype, mean=loss.reduction in ("sum_over_batch_size", "mean"))
    if weights is not None and weights.ndim > entries.ndim:
        raise ValueError(
            f"loss: {loss.name!r} gives values of shape {entries.shape}, too few for weights or a mask of shape "
            f"{weights.shape}; call() must give one value a step"
        )
    scale = loss.scale(entries, weights)
    if scale is None:
        raise ValueError(f"loss: reduction={loss.reduction!r} gives no single value to minimize; use another")
    if weights is not None:
        entries = weighted(entries, weights)
        slope = None if slope is None else weighted(slope, weights)
    value = float(np.add.reduce(entries, axis=None)) * scale
    return value, output, None if slope is None else slope * scale


def _finite(values: Array) -> bool:
    """Whether there is neither NaN nor infinity; a sum that overflows may say so wrongly."""
    return math.isfinite(np.add.reduce(values, axis=None))


def _any_in_row(flags: Array) -> Array:
    result: Array = np.logical_or.reduce(flags, axis=tuple(range(1, flags.ndim)))
    return result


def _without(xs: Sequence[Array], rows: Array) -> list[Array]:
    """Return inputs with zeros in these rows."""
    copies = [x.copy() for x in xs]
    for x in copies:
        x[rows] = 0
    return copies
