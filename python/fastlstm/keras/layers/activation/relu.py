"""Rectifiers: straight lines with a bend."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from .pointwise import Pointwise


class ReLU(Pointwise):
    """Rectifier: what is above a threshold, up to a largest value; else what is below it times a slope.

    ``min(x, max_value)`` where ``x > threshold``, else ``negative_slope * (x - threshold)``.

    Parameters
    ----------
    max_value : float, optional
        Largest output, zero or more; None: there is none.
    negative_slope : float
        Slope below the threshold, zero or more.
    threshold : float
        Where the bend is, zero or more.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `max_value`, `negative_slope` or `threshold` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.ReLU(max_value=2.0)([[-1.0, 1.0, 3.0]]).tolist()
    [[0.0, 1.0, 2.0]]
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        largest = f"{self.name}: max_value"
        self.max_value = None if max_value is None else checks.real_number(largest, max_value, at_least=0)
        self.negative_slope = checks.real_number(f"{self.name}: negative_slope", negative_slope, at_least=0)
        self.threshold = checks.real_number(f"{self.name}: threshold", threshold, at_least=0)

    def _values(self, x: Array) -> Array:
        above: Array = x if self.max_value is None else np.minimum(x, self.dtype.type(self.max_value))
        below = self.dtype.type(0) if self.negative_slope == 0 else self._line(x)
        y: Array = np.where(x <= self.dtype.type(self.threshold), below, above)
        return y

    def _line(self, x: Array) -> Array:
        slope, threshold = self.dtype.type(self.negative_slope), self.dtype.type(self.threshold)
        result: Array = slope * (x - threshold)
        return result

    def _slopes(self, x: Array, y: Array) -> Array:
        above = x > self.dtype.type(self.threshold)
        rises = above if self.max_value is None else above & (x < self.dtype.type(self.max_value))
        slopes: Array = np.where(above, rises, self.dtype.type(self.negative_slope))
        return slopes

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": self.threshold}
        return super().get_config() | own


class LeakyReLU(Pointwise):
    """Rectifier that leaks: ``x`` where it is positive, else ``negative_slope * x``.

    Parameters
    ----------
    negative_slope : float
        Slope below 0, zero or more.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `negative_slope` is out of range.
    TypeError
        If `negative_slope` has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.LeakyReLU(0.5)([[-1.0, 2.0]]).tolist()
    [[-0.5, 2.0]]
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = checks.real_number(f"{self.name}: negative_slope", negative_slope, at_least=0)

    def _values(self, x: Array) -> Array:
        y: Array = np.where(x > 0, x, x * self.dtype.type(self.negative_slope))
        return y

    def _slopes(self, x: Array, y: Array) -> Array:
        slopes: Array = np.where(x > 0, self.dtype.type(1), self.dtype.type(self.negative_slope))
        return slopes

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"negative_slope": self.negative_slope}
