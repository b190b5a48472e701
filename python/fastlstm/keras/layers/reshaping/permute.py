"""Another order of axes."""

from functools import partial
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape
from ..base import Step, Stepper
from .rearranging import Rearranging


class Permute(Rearranging):
    """Put the axes of each sample in another order. A mask ends here.

    Parameters
    ----------
    dims : tuple of int
        Which axis of the input each axis of the output is, counted from 1, that behind the batch's.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `dims` has another form, or inputs have another shape.
    TypeError
        If `dims` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Permute((2, 1))(np.ones((8, 5, 3))).shape
    (8, 3, 5)
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        name, wanted = f"{self.name}: dims", "the axes from 1 in any order, each once"
        if not isinstance(dims, list | tuple):
            checks.refuse(TypeError, name, wanted, dims)
        self.dims = tuple(checks.whole_number(f"{name}: each axis", axis) for axis in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            checks.refuse(ValueError, name, wanted, dims)
        self.ndim = len(self.dims) + 1

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output."""
        input_shape = self._checked_shape(input_shape)
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def _rearranged(self, x: Array) -> Array:
        return np.ascontiguousarray(x.transpose(0, *self.dims))

    def _put_back(self, dy: Array, shape: tuple[int, ...]) -> Array:
        return np.ascontiguousarray(dy.transpose(np.argsort((0, *self.dims))))

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the axis of time must stay where it is."""
        if self.dims[:1] != (1,):
            return super().step_function()
        axes = (0, *(axis - 1 for axis in self.dims[1:]))

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty([x.shape[axis] for axis in axes], x.dtype)
            return partial(np.copyto, y, x.transpose(axes)), y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"dims": self.dims}
