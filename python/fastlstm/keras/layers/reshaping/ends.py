"""More steps, or fewer, at the ends of sequences."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, shape_text
from ...foundation.data_format import checked_data_format
from .rearranging import Rearranging, both_ends


class ZeroPadding1D(Rearranging):
    """Put steps of zeros before and behind a sequence: ``(N, T, F)`` becomes ``(N, T + start + end, F)``.

    Parameters
    ----------
    padding : int or tuple of int
        Number of steps at either end, or two numbers for the start and the end.
    data_format : str, optional
        ``"channels_last"``, or None for it.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `padding` is out of range, `data_format` is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.ZeroPadding1D((2, 1))(np.ones((1, 2, 1))).ravel().tolist()
    [0.0, 0.0, 1.0, 1.0, 0.0]
    """

    ndim = 3

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = both_ends(f"{self.name}: padding", padding)
        self.data_format = checked_data_format(f"{self.name}: data_format", data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, T + start + end, F)``."""
        rows, steps, features = self._checked_shape(input_shape)
        return (rows, None if steps is None else steps + sum(self.padding), features)

    def _rearranged(self, x: Array) -> Array:
        return np.pad(x, ((0, 0), self.padding, (0, 0)))

    def _put_back(self, dy: Array, shape: tuple[int, ...]) -> Array:
        return dy[:, self.padding[0] : self.padding[0] + shape[1]]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"padding": self.padding, "data_format": self.data_format}


class Cropping1D(Rearranging):
    """Cut steps off the ends of a sequence: ``(N, T, F)`` becomes ``(N, T - start - end, F)``.

    Parameters
    ----------
    cropping : int or tuple of int
        Number of steps at either end, or two numbers for the start and the end. At least one step must be left.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `cropping` has another form, or inputs have another shape.
    TypeError
        If `cropping` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.Cropping1D((1, 0))(np.array([[[1.0], [2.0], [3.0]]])).ravel().tolist()
    [2.0, 3.0]
    """

    ndim = 3

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = both_ends(f"{self.name}: cropping", cropping)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """``(N, T - start - end, F)``."""
        rows, steps, features = self._checked_shape(input_shape)
        if steps is not None and steps <= sum(self.cropping):
            wanted = f"more than the {sum(self.cropping)} time steps that cropping {self.cropping} takes"
            checks.complain(ValueError, f"{self.name}: x", f"have {wanted}", f"shape {shape_text(input_shape)}")
        return (rows, None if steps is None else steps - sum(self.cropping), features)

    def _rearranged(self, x: Array) -> Array:
        self.compute_output_shape(x.shape)
        start, end = self.cropping
        return x[:, start : x.shape[1] - end]

    def _put_back(self, dy: Array, shape: tuple[int, ...]) -> Array:
        dx = np.zeros(shape, dy.dtype)
        start, end = self.cropping
        dx[:, start : shape[1] - end] = dy
        return dx

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"cropping": self.cropping}
