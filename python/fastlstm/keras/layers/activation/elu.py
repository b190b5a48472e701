"""The exponential linear unit."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array
from .pointwise import Pointwise


class ELU(Pointwise):
    """Exponential linear unit: ``x`` where it is positive, else ``alpha * (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float
        How far below 0 it goes.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `alpha` is out of range.
    TypeError
        If `alpha` has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.ELU(2.0)([[-100.0, 3.0]]).tolist()
    [[-2.0, 3.0]]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = checks.real_number(f"{self.name}: alpha", alpha)

    def _values(self, x: Array) -> Array:
        below = self.dtype.type(self.alpha) * np.expm1(np.minimum(x, 0))
        y: Array = np.where(x > 0, x, below)
        return y

    def _slopes(self, x: Array, y: Array) -> Array:
        slopes: Array = np.where(x > 0, self.dtype.type(1), y + self.dtype.type(self.alpha))
        return slopes

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"alpha": self.alpha}
