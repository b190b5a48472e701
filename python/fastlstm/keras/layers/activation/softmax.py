"""Softmax over axes of choice, with a mask."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, any_numbers, as_axes, shape_text
from ...foundation.symbolic import SymbolicTensor
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback

LEFT_OUT = -1e9
"""What stands for a number that a mask leaves out, as in Keras: its exponential is 0 beside any other."""


class Softmax(Layer):
    """Probabilities: ``exp(x)`` divided by its sum over one or more axes.

    Parameters
    ----------
    axis : int or tuple of int
        Axis to sum over, or a list of axes; from the end if negative.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `axis` has another form.
    TypeError
        If `axis` has another type.

    Notes
    -----
    A mask says which numbers count; the others get a probability of 0. Its last axes are those of the input, as in
    broadcasting: scores ``(N, T)`` of time steps go with a mask ``(N, T)``. Numbers ``(N, T, F)`` do not go with a mask
    of the steps; `Activation` lets that one pass.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.Softmax()([[1.0, 1.0, 5.0]], mask=[[True, True, False]]).tolist()
    [[0.5, 0.5, 0.0]]
    """

    told_of_mask = True
    keras_call: ClassVar[Mapping[str, Any]] = {"mask": None}

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = as_axes(axis, f"{self.name}: axis")
        self.logits_activation = "softmax" if self.axis in (-1, [-1]) else None

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """See `Layer.check_input_shape`."""
        super().check_input_shape(shape, name)
        rank = len(shape)
        if not all(-rank <= axis < rank for axis in np.atleast_1d(self.axis)):
            checks.complain(ValueError, f"{self.name}: {name}", f"have the axis {self.axis}", shape_text(shape))

    def _axes_of(self, rank: int) -> tuple[int, ...]:
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        return tuple(sorted({axis % rank for axis in given}))

    def _checked_mask(self, mask: Any, x: Array) -> Array | None:
        return None if mask is None else self._fitting(any_numbers(mask, f"{self.name}: mask"), x)

    def _fitting(self, mask: Array, x: Array) -> Array:
        """Return booleans that broadcasting takes to the shape of `x`, or ValueError."""
        self._check_shape_of_mask(mask.shape, x.shape)
        return mask if mask.dtype == np.bool_ else mask > 0.5

    def _check_noted_mask(self, mask: SymbolicTensor, shape: Shape) -> None:
        self._check_shape_of_mask(mask.shape, shape)

    def _check_shape_of_mask(self, mask: Shape, shape: Shape) -> None:
        pairs = list(zip(mask[::-1], shape[::-1], strict=False))
        if not 0 < len(mask) <= len(shape) or any(None not in pair and pair[0] not in (1, pair[1]) for pair in pairs):
            must = f"have a shape whose last axes are those of x {shape_text(shape)}, or 1"
            cure = "; Activation('softmax') takes no notice of a mask of time steps"
            checks.complain(ValueError, f"{self.name}: mask", must, shape_text(mask), cure)

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        axes = self._axes_of(x.ndim)
        if call.mask is None:
            return _softmax(x, axes)
        there = self._fitting(call.mask, x)
        return np.where(there, _softmax(self._left(x, there), axes), self.dtype.type(0))

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
            weighted = dy * y  # what is left out has a probability of 0, and so no slope
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
            return partial(_softmax, x, inner, y), y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis}


def _softmax(x: Array, axes: tuple[int, ...], out: Array | None = None) -> Array:
    largest = np.maximum.reduce(x, axis=axes, keepdims=True, initial=-np.inf)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        y: Array = np.subtract(x, largest, out=out)
        np.exp(y, out=y)
        return np.divide(y, np.add.reduce(y, axis=axes, keepdims=True), out=y)
