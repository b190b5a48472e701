"""What normalizations share that divide by a length along axes of choice."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, as_axes, shape_text
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback


class AlongAxes(Layer):
    """Base class of layers that bring the numbers along some axes to a length; a subclass says what length that is."""

    def __init__(self, axis: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = as_axes(axis, f"{self.name}: axis")

    def _axes_of(self, rank: int) -> tuple[int, ...]:
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        return tuple(sorted({axis % rank for axis in given}))

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """ValueError if an input of a `shape` does not fit the axes or the weights."""
        rank, given = len(shape), self.axis if isinstance(self.axis, list) else [self.axis]
        if not all(-rank <= axis < rank for axis in given):
            checks.complain(ValueError, f"{self.name}: {name}", f"have the axis {self.axis}", shape_text(shape))

    def _scaled(self, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
        """Return `x` at its length, and what it was multiplied with."""
        raise NotImplementedError(f"{type(self).__name__} must define _scaled(x, axes)")

    def _through(self, slope: Array, y: Array, scale: Array, axes: tuple[int, ...]) -> Array:
        """Return the gradient of `x` from that of what `_scaled` gives."""
        raise NotImplementedError(f"{type(self).__name__} must define _through(slope, y, scale, axes)")

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return self._scaled(x, self._axes_of(x.ndim))[0]

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        axes = self._axes_of(x.ndim)
        y, scale = self._scaled(x, axes)
        return y, lambda dy: (self._through(dy, y, scale, axes) if call.need_dx else None, [])

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the axes must be behind that of time."""
        rank = len(self.input_shape or ())
        if rank < 3 or self._axes_of(rank)[0] < 2:
            return super().step_function()

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty_like(x)
            return lambda: np.copyto(y, self.forward(x[:, None])[:, 0]), y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis}
