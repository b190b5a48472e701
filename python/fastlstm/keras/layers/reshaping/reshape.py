"""Another shape for each sample."""

import math
from typing import Any

from fastlstm import checks

from ...foundation.arrays import Array, Shape, shape_text
from ..base import Step, Stepper
from .rearranging import Rearranging


class Reshape(Rearranging):
    """Give each sample another shape: ``(N, ...)`` becomes ``(N, *target_shape)``. A mask ends here.

    Parameters
    ----------
    target_shape : tuple of int
        Shape of a sample, without the batch axis; one size may be -1: what is left for it.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If inputs have another shape.
    TypeError
        If `target_shape` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Reshape((-1, 2))(np.ones((8, 5, 6))).shape
    (8, 15, 2)
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        name, wanted = f"{self.name}: target_shape", "a tuple of sizes, one of which may be -1"
        if not isinstance(target_shape, list | tuple):
            checks.refuse(TypeError, name, wanted, target_shape)
        bounds = {"at_least": -1, "at_most": checks.LARGEST_AXIS}
        self.target_shape = tuple(checks.whole_number(f"{name}: each size", size, **bounds) for size in target_shape)
        if self.target_shape.count(-1) > 1:
            checks.refuse(ValueError, name, wanted, target_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output."""
        rows, *rest = self._checked_shape(input_shape)
        sizes = [size for size in rest if size is not None]
        if len(sizes) < len(rest):
            return (rows, *(None if size == -1 else size for size in self.target_shape))
        known, total = math.prod(size for size in self.target_shape if size != -1), math.prod(sizes)
        if (known == 0 or total % known) if -1 in self.target_shape else total != known:
            given, target = shape_text((rows, *rest)), shape_text((rows, *self.target_shape))
            must = f"have as many numbers as the input {given}"
            checks.complain(ValueError, f"{self.name}: the output", must, target)
        return (rows, *(total // known if size == -1 else size for size in self.target_shape))

    def _rearranged(self, x: Array) -> Array:
        shape: Any = self.compute_output_shape(x.shape)
        return x.reshape(shape)

    def _put_back(self, dy: Array, shape: tuple[int, ...]) -> Array:
        return dy.reshape(shape)

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the axis of time must stay as it is."""
        sizes = (self.input_shape or ())[2:]
        step_shape = self.target_shape[1:]
        if not self.target_shape or None in sizes or -1 in step_shape or math.prod(step_shape) != math.prod(sizes):  # type: ignore[arg-type]
            return super().step_function()

        def stepper(x: Array) -> tuple[Step, Array]:
            return lambda: None, x.reshape(len(x), *step_shape)

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"target_shape": self.target_shape}
