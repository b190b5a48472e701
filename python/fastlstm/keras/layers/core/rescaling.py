"""Numbers in another unit."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, any_numbers, shape_text
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback


class Rescaling(Layer):
    """Return ``x * scale + offset``.

    Parameters
    ----------
    scale, offset : float or array_like
        A number, or numbers for the last axes, such as one for each feature.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `scale` or `offset` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.Rescaling([1 / 255, 2.0], offset=-1)([[255, 0.5]]).tolist()
    [[0.0, 0.0]]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = _factors(f"{self.name}: scale", scale)
        self.offset = _factors(f"{self.name}: offset", offset)

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """See `Layer.check_input_shape`."""
        super().check_input_shape(shape, name)
        for what, numbers in (("scale", self.scale), ("offset", self.offset)):
            sizes = np.shape(numbers)
            pairs = zip(
                sizes[::-1], shape[:0:-1], strict=False
            )  # the axes from the last one, without that of the batch
            if len(sizes) >= max(len(shape), 1) or any(size not in (1, axis or size) for size, axis in pairs):
                wanted = f"last axes that fit the {what} of shape {sizes}"
                checks.complain(ValueError, f"{self.name}: {name}", f"have {wanted}", shape_text(shape))

    def _typed(self) -> tuple[Array, Array]:
        return np.asarray(self.scale, self.dtype), np.asarray(self.offset, self.dtype)

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        scale, offset = self._typed()
        y: Array = np.multiply(x, scale, dtype=self.dtype)
        return np.add(y, offset, out=y)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        scale, _ = self._typed()
        return self.forward(x, call), lambda dy: (dy * scale, [])

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the scale must be the same at every step."""
        scale, offset = self._typed()
        rank = len(self.input_shape or ())
        if any(numbers.ndim > rank - 2 for numbers in (scale, offset) if numbers.ndim):
            return super().step_function()

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty_like(x)

            def step() -> None:
                np.multiply(x, scale, out=y)
                np.add(y, offset, out=y)

            return step, y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"scale": self.scale, "offset": self.offset}


def _factors(name: str, value: Any) -> Any:
    """`value` as a float, or a list of such, maybe nested."""
    if not isinstance(value, list | tuple | np.ndarray):
        return checks.real_number(name, value)
    numbers = any_numbers(value, name, "a number or an array of numbers")
    if numbers.size == 0 or not np.isfinite(numbers).all():
        checks.refuse(ValueError, name, "a number or an array of finite numbers", value)
    return numbers.astype(float).tolist()
