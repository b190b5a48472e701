"""Functions of single numbers."""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from fastlstm import _core, checks
from fastlstm.typing import Floats

from .stateless import Back, Stateless


class Elementwise(Stateless):
    """Base of the functions of single numbers: a layer defines `forward` and `slope`."""

    def slope(self, dy: Floats, x: Floats, y: Floats) -> Floats:
        """Return the gradient of `x` from that of ``y = forward(x)``."""
        raise NotImplementedError

    def forward_training(self, x: NDArray[np.floating]) -> tuple[Floats, Back]:
        """Compute the output, and what leads back."""
        y = self.forward(x)
        return y, lambda dy: (self.slope(dy, cast(Floats, x), y), {})


class ReLU(Elementwise):
    r"""Rectifier: :math:`\max(0, x)`, as ``torch.nn.ReLU``.

    Raises
    ------
    TypeError
        If an input is not an array of float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> x = np.array([[-1.0, 2.0]], "float32")
    >>> fl.ReLU()(x).tolist()
    [[0.0, 2.0]]
    """

    def forward(self, x: NDArray[np.floating]) -> Floats:
        """Compute the output."""
        return cast(Floats, np.maximum(x, 0))

    def slope(self, dy: Floats, x: Floats, y: Floats) -> Floats:
        """Return the gradient of `x`."""
        return cast(Floats, np.where(y <= 0, dy.dtype.type(0), dy))


class LeakyReLU(Elementwise):
    """Rectifier with a slope below zero, as ``torch.nn.LeakyReLU``.

    Parameters
    ----------
    negative_slope : float
        What negative numbers are multiplied with.

    Raises
    ------
    TypeError
        If `negative_slope` is no number, or an input is not an array of float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> x = np.array([[-1.0, 2.0]], "float32")
    >>> fl.LeakyReLU(0.5)(x).tolist()
    [[-0.5, 2.0]]
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = checks.real_number("negative_slope", negative_slope)

    def forward(self, x: NDArray[np.floating]) -> Floats:
        """Compute the output."""
        return self.slope(cast(Floats, x), cast(Floats, x), cast(Floats, x))

    def slope(self, dy: Floats, x: Floats, y: Floats) -> Floats:
        """Return the gradient of `x`."""
        return cast(Floats, np.where(x > 0, dy, dy * dy.dtype.type(self.negative_slope)))


class OfCore(Elementwise):
    """Base of the functions that the core has."""

    _function: ClassVar[str]

    def forward(self, x: NDArray[np.floating]) -> Floats:
        """Compute the output."""
        return _core.activation(self._function, np.ascontiguousarray(x)).reshape(x.shape)


class Sigmoid(OfCore):
    r"""Logistic function :math:`1 / (1 + e^{-x})`, as ``torch.nn.Sigmoid``.

    Raises
    ------
    TypeError
        If an input is not an array of float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> fl.Sigmoid()(np.zeros(1, "float32")).tolist()
    [0.5]
    """

    _function = "sigmoid"

    def slope(self, dy: Floats, x: Floats, y: Floats) -> Floats:
        """Return the gradient of `x`."""
        return cast(Floats, dy * y * (1 - y))


class Tanh(OfCore):
    r"""Hyperbolic tangent, as ``torch.nn.Tanh``.

    Raises
    ------
    TypeError
        If an input is not an array of float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> fl.Tanh()(np.zeros(1, "float32")).tolist()
    [0.0]
    """

    _function = "tanh"

    def slope(self, dy: Floats, x: Floats, y: Floats) -> Floats:
        """Return the gradient of `x`."""
        return cast(Floats, dy * (1 - y * y))
