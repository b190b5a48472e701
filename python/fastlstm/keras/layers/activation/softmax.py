"""Softmax over axes of choice, with a mask."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, any_numbers, shape_text
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback

LEFT_OUT = -1e9
"""What stands for a number that a mask leaves out, as in Keras: its exponential is 0 beside any other."""


class Softmax(Layer):
    """Shares: ``exp(x)`` divided by its sum over one or more axes.

    Parameters
    ----------
    axis
        Axis to sum over, or a list of axes; from the end if negative.
    **kwargs
        Those of `Layer`.

    Notes
    -----
    A mask says which numbers count; the others get a share of 0. Its last axes are those of the input, as in
    broadcasting: scores ``(N, T)`` of time steps go with a mask ``(N, T)``. Numbers ``(N, T, F)`` do not go with a mask
    of the steps; `Activation` lets that one pass.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.Softmax()([[1.0, 1.0, 5.0]], mask=[[True, True, False]]).tolist()
    [[0.5, 0.5, 0.0]]
    """

    keras_call: ClassVar[Mapping[str, Any]] = {"mask": None}

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        name = f"{self.name}: axis"
        many = isinstance(axis, list | tuple)
        given = [checks.whole_number(name, part) for part in (axis if many else [axis])]
        if not given:
            checks.refuse(ValueError, name, "one axis or more", axis)
        self.axis: Any = given if many else given[0]
        self.logits_activation = "softmax" if given == [-1] else None

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """See `Layer.check_input_shape`."""
        super().check_input_shape(shape, name)
        rank = len(shape)
        if not all(-rank <= axis < rank for axis in np.atleast_1d(self.axis)):
            raise ValueError(f"{self.name}: {name} must have the axis {self.axis}, got {shape_text(shape)}")

    def _axes_of(self, rank: int) -> tuple[int, ...]:
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        return tuple(sorted({axis % rank for axis in given}))

    def _checked_mask(self, mask: Any, x: Array) -> Array | None:
        return None if mask is None else self._fitting(any_numbers(mask, f"{self.name}: mask"), x)

    def _fitting(self, mask: Array, x: Array) -> Array:
        """Return booleans that broadcasting takes to the shape of `x`, or ValueError."""
        pairs = zip(mask.shape[::-1], x.shape[::-1], strict=False)
        if not 0 < mask.ndim <= x.ndim or any(size not in (1, wanted) for size, wanted in pairs):
            cure = "; Activation('softmax') takes no notice of a mask of time steps"
            wanted = f"a shape whose last axes are those of x {x.shape}, or 1"
            raise ValueError(f"{self.name}: mask must have {wanted}, got {mask.shape}{cure}")
        return mask if mask.dtype == np.bool_ else mask > 0.5

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        axes = self._axes_of(x.ndim)
        if call.mask is None:
            return _shares(x, axes)
        there = self._fitting(call.mask, x)
        return np.where(there, _shares(self._left(x, there), axes), self.dtype.type(0))

    def _left(self, x: Array, there: Array) -> Array:
        return np.where(there, x, self.dtype.type(LEFT_OUT))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        if call.logits:
            return self._logits(x, call.mask)
        y, axes = self.forward(x, call), self._axes_of(x.ndim)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            if not call.need_dx:
                return None, []
            weighted = dy * y  # what is left out has a share of 0, and so no slope
            return weighted - y * np.add.reduce(weighted, axis=axes, keepdims=True), []

        return y, pullback

    def _logits(self, x: Array, mask: Array | None) -> tuple[Array, Pullback]:
        if mask is None:
            return x, lambda dy: (dy, [])
        there = self._fitting(mask, x)
        return self._left(x, there), lambda dy: (dy * there, [])

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the axes must be behind that of time."""
        axes = self._axes_of(len(self.input_shape)) if self.input_shape else (0,)
        if axes[0] < 2:
            return super().step_function()
        inner = tuple(axis - 1 for axis in axes)

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty_like(x)
            return partial(_shares, x, inner, y), y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis}


def _shares(x: Array, axes: tuple[int, ...], out: Array | None = None) -> Array:
    largest = np.maximum.reduce(x, axis=axes, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        y: Array = np.subtract(x, largest, out=out)
        np.exp(y, out=y)
        return np.divide(y, np.add.reduce(y, axis=axes, keepdims=True), out=y)
