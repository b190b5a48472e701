"""What says the shape of a model's input."""

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import checks

from ...foundation.arrays import Shape, as_batch_shape, as_shape
from ...foundation.lookup import checked_name


class InputLayer:
    """The shape of a model's input; see `Input`."""

    def __init__(
        self,
        shape: tuple[int | None, ...] | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
        batch_shape: Shape | None = None,
    ) -> None:
        if (shape is None) == (batch_shape is None):
            given = f"shape={checks.shown(shape)}, batch_shape={checks.shown(batch_shape)}"
            raise ValueError(f"Input: give either shape or batch_shape, got {given}")
        rows = None if batch_size is None else checks.whole_number("Input: batch_size", batch_size, at_least=1)
        if batch_shape is not None:
            self.batch_shape = as_batch_shape(batch_shape, "Input: batch_shape")
        else:
            self.batch_shape = rows, *as_shape(shape if isinstance(shape, list | tuple) else (shape,), "Input: shape")
        self.dtype = checks.any_dtype("Input: dtype", np.float32 if dtype is None else dtype)
        self.name = checked_name(name, "Input") or "input_layer"


def Input(  # noqa: N802 - Keras' name
    shape: tuple[int | None, ...] | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    batch_shape: Shape | None = None,
) -> InputLayer:
    """Say the shape of a model's input.

    Parameters
    ----------
    shape
        Shape of one sample, without the batch axis; None for an axis that may vary. A number is the size of one axis.
    batch_size
        Fixed number of rows, for stateful layers.
    dtype, name
        Kept for Keras programs; layers cast their input themselves.
    batch_shape
        Shape with the batch axis, in place of `shape`.

    Returns
    -------
    InputLayer
        To be the first layer of a `Sequential`.
    """
    return InputLayer(shape, batch_size, dtype, name, batch_shape)
