"""Masking: which time steps of padded sequences are there."""

from typing import Any

import numpy as np

from fastlstm import checks

from ... import ops
from ...foundation.arrays import Array
from ...foundation.symbolic import any_symbolic
from ..base import Layer
from ..call import INFERENCE, TRAINING, Call, Pullback


class Masking(Layer):
    """Leave out the time steps at which every feature is `mask_value`.

    The layers that follow skip them, and loss and metrics of outputs at every step do not count them.

    Parameters
    ----------
    mask_value : float
        What fills the steps that are not there; may be NaN.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `mask_value` is out of range, or inputs have another shape.
    TypeError
        If `mask_value` has another type.

    Notes
    -----
    The mask goes on from layer to layer, in a model and with the arrays that layers called on arrays give. What NumPy
    makes of such an array has none: hand ``masking.compute_mask(x)`` on as `mask`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> x = np.array([[[1.0], [0.0], [2.0]]])
    >>> layers.Masking(mask_value=0.0).compute_mask(x).tolist()
    [[True, False, True]]
    """

    min_ndim = 2
    no_stream = "leave the steps out that it would mask"

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        is_nan = isinstance(mask_value, float | np.floating) and np.isnan(mask_value)
        name = f"{self.name}: mask_value"
        self.mask_value = float(mask_value) if is_nan else checks.real_number(name, mask_value, infinite=True)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return True where a step has a feature other than `mask_value`."""
        if any_symbolic(x):
            return ops.any(ops.not_equal(x, self.mask_value), axis=-1)
        x = self.as_input(x, f"{self.name}: x")
        self.check_input_shape(x.shape, "x")
        there = ~np.isnan(x) if np.isnan(self.mask_value) else x != self.dtype.type(self.mask_value)
        result: Array = np.logical_or.reduce(there, axis=-1)
        return result

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Return `x` with zeros at the steps left out."""
        return x if self.mask_value == 0 else self._zeroed(x, self.compute_mask(x))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        there = self.compute_mask(x)
        y = x if self.mask_value == 0 else self._zeroed(x, there)
        return y, lambda dy: (self._zeroed(dy, there) if call.need_dx else None, [])

    def _zeroed(self, values: Array, there: Array) -> Array:
        if there.all():
            return values
        result: Array = np.where(there[..., None], values, self.dtype.type(0))
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"mask_value": self.mask_value}
