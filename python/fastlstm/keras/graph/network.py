"""The layers of a model as one function with a gradient."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..foundation.arrays import Array
from ..foundation.variable import Variable, holding
from ..layers.base import Layer
from ..layers.call import Call, Pullback
from ..layers.core.embedding import Embedding
from ..layers.core.masking import Masking
from ..layers.recurrent.time_distributed import TimeDistributed
from ..losses import Loss, apply_mask, weighted
from .stack import joined


class Outcome(NamedTuple):
    """What came of one batch."""

    loss: float
    output: Array
    mask: Array | None
    """Which entries of the output count, None if all do."""


class Network:
    """The layers of a model as one function with a gradient, for one loss."""

    def __init__(self, layers: Sequence[Layer], loss: Loss | None, loss_scale: float = 1.0) -> None:
        self.layers, self.loss, self.loss_scale = list(layers), loss, loss_scale
        self.mixed = len({layer.dtype for layer in self.layers}) > 1
        trained = [i for i, layer in enumerate(self.layers) if layer.trainable_variables]
        self.first = trained[0] if trained else len(self.layers)
        self.weights: list[Variable] = [v for layer in self.layers for v in layer.weights]
        self.variables: list[Variable] = [v for layer in self.layers for v in layer.trainable_variables]
        self.regularized = [(i, v) for i, v in enumerate(self.variables) if v.regularizer is not None]
        self.penalized = loss is not None and any(layer.penalizes_output for layer in self.layers)
        # A penalty on the output of the last layer needs this output.
        ending = None if self.layers[-1].penalizes_output else self.layers[-1].logits_activation
        fused = loss.fused_activation if loss is not None else None
        self.fused = fused is not None and fused in ("linear", ending)
        self.logits = self.fused and fused == ending

    def infer(self, x: Array) -> Array:
        """Return the model's output."""
        with holding(self.weights):
            return self._run(self.layers, x)[0]

    def _run(self, layers: Sequence[Layer], x: Array) -> tuple[Array, Array | None, float]:
        """Output, its mask, and the penalties on outputs."""
        mask: Array | None = None
        penalties = 0.0
        for layer in joined(layers):
            x = self._cast(x, layer)
            y, penalty = self._layer(layer, x, Call(mask=mask))
            penalties += penalty
            mask = layer.compute_mask(x, mask)
            x = y
        return x, mask, penalties

    def _layer(self, layer: Layer, x: Array, call: Call) -> tuple[Array, float]:
        return layer.penalized_forward(x, call) if self.penalized else (layer.forward(x, call), 0.0)

    def evaluate(self, x: Array, y: Array, weights: Array | None) -> Outcome:
        """Return the loss and the model's output."""
        with holding(self.weights):
            return self._evaluate(x, y, weights)

    def _evaluate(self, x: Array, y: Array, weights: Array | None) -> Outcome:
        *inner, last = self.layers
        out, mask, penalties = self._run(inner if self.logits else self.layers, x)
        if self.logits:
            before = self._cast(out, last)
            out = last.vjp(before, Call(False, mask, False, True))[0]
            mask = last.compute_mask(before, mask)
        outcome, _ = self._loss(y, out, weights, mask, need_slope=False)
        if self.penalized:
            rows = self._broken_rows(x, out, weights)
            penalties = penalties if rows is None else self._run(self.layers, _without(x, rows))[2]
        return self._penalized(outcome, penalties)

    def gradients(self, x: Array, y: Array, weights: Array | None) -> tuple[Outcome, list[Array]]:
        """Return the loss and the model's output, and the gradient of every trainable weight."""
        with holding(self.weights):
            out, mask, pullbacks, penalties = self._forward(x)
            outcome, slope = self._loss(y, out, weights, mask)
            rows = self._broken_rows(x, out, weights)
            if rows is not None:
                out, mask, pullbacks, penalties = self._forward(_without(x, rows))
                slope = self._loss(y, out, weights, mask)[1]
        found = self._pull_back(slope, pullbacks)
        for i, variable in self.regularized:
            found[i] = found[i] + variable.regularizer.gradient(variable.value)  # type: ignore[union-attr]
        return self._penalized(outcome, penalties), found

    def _pull_back(self, slope: Array | None, pullbacks: list[tuple[Layer, Pullback]]) -> list[Array]:
        parts: list[list[Array]] = []
        for layer, pullback in reversed(pullbacks):
            assert slope is not None
            slope, gradients = pullback(self._cast(slope, layer))
            parts.append(gradients)
        return [gradient for part in reversed(parts) for gradient in part]

    def _broken_rows(self, x: Array, out: Array, weights: Array | None) -> Array | None:
        """Which rows do not count but have NaN or infinity in them; None: no row.

        Their slope is 0, but on its way back it meets what the forward pass kept, and 0 * NaN is NaN.
        """
        if weights is None or (_finite(out) and _finite(x)) or _stateful(self.layers):
            return None
        idle = np.flatnonzero(~_any_in_row(weights != 0))
        broken = _any_in_row(~np.isfinite(out[idle])) | _any_in_row(~np.isfinite(x[idle]))
        return idle[broken] if broken.any() else None

    def _penalized(self, outcome: Outcome, on_outputs: float) -> Outcome:
        if not self.regularized and not self.penalized:
            return outcome
        on_weights = sum(v.regularizer(v.value) for _, v in self.regularized)  # type: ignore[misc]
        return outcome._replace(loss=outcome.loss + on_weights + on_outputs)

    def _forward(self, x: Array) -> tuple[Array, Array | None, list[tuple[Layer, Pullback]], float]:
        """Output, its mask, the pullbacks of the layers from the first with weights on, and penalties on outputs."""
        pullbacks: list[tuple[Layer, Pullback]] = []
        mask: Array | None = None
        penalties, last = 0.0, len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            x = self._cast(x, layer)
            logits = self.logits and i == last
            if i < self.first and not logits:
                y, penalty = self._layer(layer, x, Call(True, mask))
            else:
                y, pullback, penalty = self._layer_vjp(layer, x, Call(True, mask, i > self.first, logits))
                pullbacks.append((layer, pullback))
            penalties += penalty
            mask = layer.compute_mask(x, mask)
            x = y
        return x, mask, pullbacks if self.variables else [], penalties

    def _layer_vjp(self, layer: Layer, x: Array, call: Call) -> tuple[Array, Pullback, float]:
        return layer.penalized_vjp(x, call) if self.penalized else (*layer.vjp(x, call), 0.0)

    def _cast(self, x: Array, layer: Layer) -> Array:
        # Integers are indices, which the layer itself looks after.
        return x.astype(layer.dtype) if self.mixed and x.dtype != layer.dtype and x.dtype.kind == "f" else x

    def _loss(
        self, y: Array, out: Array, weights: Array | None, mask: Array | None, need_slope: bool = True
    ) -> tuple[Outcome, Array | None]:
        loss = self.loss
        if loss is None:
            return Outcome(0.0, out, mask), None
        slope: Array | None = None
        if self.fused:
            entries, output, slope = loss.fused(y, out)
        else:
            entries, output = loss.call(y, out), out
            slope = loss.gradient(y, out) if need_slope else None
        weights = apply_mask(weights, mask, out.dtype, mean=loss.reduction in ("sum_over_batch_size", "mean"))
        if weights is not None and weights.ndim > entries.ndim:
            raise ValueError(
                f"loss: {loss.name!r} gives values of shape {entries.shape}, too few for weights or a mask of shape "
                f"{weights.shape}; call() must give one value a step"
            )
        scale = loss.scale(entries, weights)
        if scale is None:
            raise ValueError(f"loss: reduction={loss.reduction!r} gives no single value to minimize; use another")
        scale *= self.loss_scale
        if weights is not None:
            entries = weighted(entries, weights)
            slope = None if slope is None else weighted(slope, weights)
        value = float(np.add.reduce(entries, axis=None)) * scale
        return Outcome(value, output, mask), None if slope is None else slope * scale


def _finite(values: Array) -> bool:
    """Whether there is neither NaN nor infinity; a sum that overflows may say so wrongly."""
    return math.isfinite(np.add.reduce(values, axis=None))


def _any_in_row(flags: Array) -> Array:
    result: Array = np.logical_or.reduce(flags, axis=tuple(range(1, flags.ndim)))
    return result


def _without(x: Array, rows: Array) -> Array:
    """`x` with zeros in these rows."""
    x = x.copy()
    x[rows] = 0
    return x


def step_mask(layers: Sequence[Layer], x: Array) -> Array | None:
    """Return the mask that a model of `layers` gives to its loss for the input `x`; None: none, or not to be known."""
    mask: Array | None = None
    last = max((i for i, layer in enumerate(layers) if _masks_by_input(layer)), default=-1)
    if _stateful(layers[: max(last, 0)]):
        return None
    for i, layer in enumerate(layers):
        output_mask = layer.compute_mask(x, mask)
        if i < last:
            x = layer.forward(x, Call(mask=mask))
        mask = output_mask
    return mask


def _stateful(layers: Sequence[Layer]) -> bool:
    return any(getattr(layer, "stateful", False) for layer in layers)


def _masks_by_input(layer: Layer) -> bool:
    """Whether the layer's mask depends on the values of its input, not only on their mask."""
    if isinstance(layer, TimeDistributed):
        return _masks_by_input(layer.layer)
    own = type(layer).compute_mask.__module__
    return isinstance(layer, Masking | Embedding) or not own.startswith("fastlstm.")
