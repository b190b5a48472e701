"""A layer at every time step by itself."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ...foundation.arrays import Array, Shape
from ...foundation.symbolic import any_symbolic
from ...foundation.trees import leaves
from ..base import Layer, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback
from ..configs import describe_layer
from ..wrapper import Wrapper, check_layer


class TimeDistributed(Wrapper):
    """Apply a layer to every time step by itself.

    Parameters
    ----------
    layer : Layer
        The layer. One that sees the rows of a batch together in training, such as `BatchNormalization`, sees those of a
        step. Its input has the axes of this layer's input without the second one, time. A mask ``(N, T, ...)`` is
        split over the steps too; one ``(N, T)`` says nothing about what is within a step, and goes past the layer.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If inputs have another shape.
    TypeError
        If `layer` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.TimeDistributed(layers.Dense(4))
    >>> layer(np.zeros((2, 5, 3))).shape
    (2, 5, 4)
    """

    told_of_mask = True
    min_ndim = 3
    keras_call: ClassVar[Mapping[str, Any]] = {"mask": None}

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        check_layer("TimeDistributed", layer)
        if getattr(layer, "stateful", False):
            cure = ": the steps have no common states"
            checks.complain(ValueError, f"TimeDistributed: layer {layer.name}", "be stateful=False", True, cure)
        super().__init__([layer], **kwargs)
        self.logits_activation = layer.logits_activation
        self._joins_rows: bool | None = None
        if layer.penalizes_output:
            message = (
                f"{self.name}: the activity_regularizer of {layer.name} does not count; give it to TimeDistributed"
            )
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())

    @property
    def layer(self) -> Layer:
        """The layer inside."""
        return self._inner[0]

    def named_parts(self) -> list[tuple[str, Any]]:
        """See `Layer.named_parts`."""
        return [("layer", self.layer)]

    def as_input(self, x: Any, name: str, wanted: str = "an array of numbers") -> Array:
        """`x` in the form that the layer inside takes."""
        return self.layer.as_input(x, name, wanted)

    def _inner_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *input_shape[2:])

    def _axes_text(self) -> str:
        return " (batch, time, ...)"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the inner output, with time as second axis."""
        input_shape = self._checked_shape(input_shape)
        rows, *rest = self.layer.compute_output_shape(self._inner_shape(input_shape))
        return (rows, input_shape[1], *rest)

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return that of the inner outputs; if these have none, a step is there if anything in it is."""
        split = None if any_symbolic(x) else _inner_mask(mask)
        if mask is None or split is None:
            return mask
        inner = self.layer.compute_mask(_merged(x), split)
        if inner is not None:
            return self._split(inner, x)
        return np.asarray(mask.reshape(*mask.shape[:2], -1).any(axis=2))

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        if self._is_by_steps(call):
            return np.stack([self.layer.forward(*step) for step in self._steps(x, call)], axis=1)
        return self._split(self.layer.forward(_merged(x), _inner(call)), x)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        if self._is_by_steps(call):
            return self._vjp_by_steps(x, call)
        y, inner = self.layer.vjp(_merged(x), _inner(call))

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dx, gradients = inner(_merged(dy))
            return None if dx is None else dx.reshape(x.shape), gradients

        return self._split(y, x), pullback

    def _is_by_steps(self, call: Call) -> bool:
        """Whether the steps are not rows of one batch: what they give depends on which rows are together."""
        if not call.training:
            return False
        if self._joins_rows is None:  # asked once, when all that is inside is there
            self._joins_rows = _joins_rows(self.layer)
        return self._joins_rows

    def _steps(self, x: Array, call: Call) -> Iterator[tuple[Array, Call]]:
        """Give what the layer inside is called with, step by step; a mask of the rows of a step is one of theirs."""
        sees_rows = call.mask is not None and (call.mask.ndim > 2 or (x.ndim == 3 and self.layer.told_of_mask))
        for t in range(x.shape[1]):
            yield x[:, t], call._replace(mask=call.mask[:, t] if sees_rows else None)

    def _vjp_by_steps(self, x: Array, call: Call) -> tuple[Array, Pullback]:
        outputs, pullbacks = zip(*(self.layer.vjp(*step) for step in self._steps(x, call)), strict=True)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            found = [back(dy[:, t]) for t, back in enumerate(pullbacks)]
            gradients = [np.add.reduce(parts) for parts in zip(*(part for _, part in found), strict=True)]
            return (np.stack([dx for dx, _ in found], axis=1) if call.need_dx else None), gradients

        return np.stack(outputs, axis=1), pullback

    def step_function(self) -> Stepper:
        """See `Layer.step_function`."""
        if self.layer.over_time:
            return super().step_function()
        return self.layer.step_function()

    def _split(self, y: Array, x: Array) -> Array:
        return y.reshape(*x.shape[:2], *y.shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"layer": describe_layer(self.layer)}


def _joins_rows(layer: Layer) -> bool:
    inside = (leaf for _, part in layer.named_parts() for leaf in leaves(part) if isinstance(leaf, Layer))
    return layer.joins_rows or any(map(_joins_rows, inside))


def _inner(call: Call) -> Call:
    return call if call.mask is None else call._replace(mask=_inner_mask(call.mask))


def _inner_mask(mask: Array | None) -> Array | None:
    if mask is not None and mask.ndim < 2:
        checks.complain(ValueError, "mask", "have the axes (batch, time, ...)", f"shape {mask.shape}")
    return None if mask is None or mask.ndim == 2 else _merged(mask)


def _merged(x: Array) -> Array:
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
