"""Vectors and steps several times."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape
from .rearranging import Rearranging


class RepeatVector(Rearranging):
    """Make a sequence of a vector: ``(N, F)`` becomes ``(N, n, F)``, the same at every step.

    Parameters
    ----------
    n : int
        Number of steps.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `n` is out of range, or inputs have another shape.
    TypeError
        If `n` has another type.

    Examples
    --------
    What an encoder found, for every step of a decoder:

    >>> from fastlstm.keras import Input, layers
    >>> found = layers.LSTM(8)(Input((20, 3)))
    >>> layers.LSTM(8, return_sequences=True)(layers.RepeatVector(5)(found)).shape
    (None, 5, 8)
    """

    ndim = 2

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = checks.size(f"{self.name}: n", n)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, n, F)``."""
        rows, features = self._checked_shape(input_shape)
        return (rows, self.n, features)

    def _rearranged(self, x: Array) -> Array:
        return np.repeat(x[:, None], self.n, axis=1)

    def _put_back(self, dy: Array, shape: tuple[int, ...]) -> Array:
        return np.asarray(np.add.reduce(dy, axis=1))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"n": self.n}


class UpSampling1D(Rearranging):
    """Repeat each step: ``(N, T, F)`` becomes ``(N, T * size, F)``.

    Parameters
    ----------
    size : int
        How often each step stands in the output.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `size` is out of range, or inputs have another shape.
    TypeError
        If `size` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.UpSampling1D(2)(np.array([[[1.0], [2.0]]])).ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    ndim = 3

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = checks.size(f"{self.name}: size", size)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, T * size, F)``."""
        rows, steps, features = self._checked_shape(input_shape)
        return (rows, None if steps is None else steps * self.size, features)

    def _rearranged(self, x: Array) -> Array:
        return np.repeat(x, self.size, axis=1)

    def _put_back(self, dy: Array, shape: tuple[int, ...]) -> Array:
        rows, steps, features = shape
        return np.asarray(np.add.reduce(dy.reshape(rows, steps, self.size, features), axis=2))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"size": self.size}
