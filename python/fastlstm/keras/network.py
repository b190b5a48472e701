"""The layers of a model as one function with a gradient."""

from collections.abc import Sequence

import numpy as np

from .arrays import Array
from .layers.base import Layer, Pullback
from .losses import Loss, expand
from .variable import Variable


class Network:
    """The layers of a model as one function with a gradient, for one loss."""

    def __init__(self, layers: Sequence[Layer], loss: Loss | None, loss_scale: float = 1.0) -> None:
        self.layers, self.loss, self.loss_scale = list(layers), loss, loss_scale
        self.mixed = len({layer.dtype for layer in self.layers}) > 1
        trained = [i for i, layer in enumerate(self.layers) if layer.trainable_variables]
        self.first = trained[0] if trained else len(self.layers)
        self.variables: list[Variable] = [v for layer in self.layers for v in layer.trainable_variables]
        ending = self.layers[-1].logits_activation
        fused = loss.fused_activation if loss is not None else None
        self.fused = fused is not None and fused in ("linear", ending)
        self.logits = self.fused and fused == ending

    def infer(self, x: Array) -> Array:
        """Return the model's output."""
        for layer in self.layers:
            x = layer.forward(self._cast(x, layer))
        return x

    def evaluate(self, x: Array, y: Array, weights: Array | None) -> tuple[float, Array]:
        """Return the loss and the model's output."""
        *inner, last = self.layers
        for layer in inner:
            x = layer.forward(self._cast(x, layer))
        x = self._cast(x, last)
        out = last.vjp(x, training=False, need_dx=False, logits=True)[0] if self.logits else last.forward(x)
        value, output, _ = self._loss(y, out, weights, need_slope=False)
        return value, output

    def gradients(self, x: Array, y: Array, weights: Array | None) -> tuple[float, Array, list[Array]]:
        """Return the loss, the model's output, and the gradient of every trainable weight."""
        out, pullbacks = self._forward(x)
        value, output, slope = self._loss(y, out, weights)
        parts: list[list[Array]] = []
        for layer, pullback in reversed(pullbacks):
            assert slope is not None
            slope, gradients = pullback(self._cast(slope, layer))
            parts.append(gradients)
        return value, output, [gradient for part in reversed(parts) for gradient in part]

    def _forward(self, x: Array) -> tuple[Array, list[tuple[Layer, Pullback]]]:
        pullbacks: list[tuple[Layer, Pullback]] = []
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            x = self._cast(x, layer)
            logits = self.logits and i == last
            if i < self.first and not logits:
                x = layer.forward(x, training=True)
            else:
                x, pullback = layer.vjp(x, training=True, need_dx=i > self.first, logits=logits)
                pullbacks.append((layer, pullback))
        return x, pullbacks if self.variables else []

    def _cast(self, x: Array, layer: Layer) -> Array:
        return x.astype(layer.dtype) if self.mixed and x.dtype != layer.dtype else x

    def _loss(
        self, y: Array, out: Array, weights: Array | None, need_slope: bool = True
    ) -> tuple[float, Array, Array | None]:
        loss = self.loss
        if loss is None:
            return 0.0, out, None
        slope: Array | None = None
        if self.fused:
            entries, output, slope = loss.fused(y, out)
        else:
            entries, output = loss.call(y, out), out
            slope = loss.gradient(y, out) if need_slope else None
        scale = loss.scale(entries, weights)
        if scale is None:
            raise ValueError(f"loss: reduction={loss.reduction!r} gives no single value to minimize; use another")
        scale *= self.loss_scale
        if weights is not None:
            entries = entries * expand(weights, entries.ndim)
            slope = None if slope is None else slope * expand(weights, slope.ndim)
        return float(np.add.reduce(entries, axis=None)) * scale, output, None if slope is None else slope * scale
