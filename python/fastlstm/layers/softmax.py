"""Softmax and its logarithm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastlstm import _core, checks
from fastlstm.typing import Floats

from .arguments import as_floats
from .stateless import Back, Stateless


class OverAxis(Stateless):
    """Base of the functions of the numbers along an axis.

    Parameters
    ----------
    dim : int
        The axis, counted from the end if negative.
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = checks.whole_number("dim", dim)

    def checked(self, x: NDArray[np.floating]) -> Floats:
        """Return the input, if it has the axis."""
        array = as_floats(x, "x")
        if not -array.ndim <= self.dim < array.ndim:
            got = f"shape {array.shape}"
            checks.complain(ValueError, "x", f"have an axis {self.dim}, the dim of the layer", got)
        return array

    def last(self, x: NDArray[np.floating]) -> Floats:
        """Return a copy of `x` with the axis as its last and no gaps, in which sums have the same bits everywhere."""
        return np.array(np.moveaxis(x, self.dim, -1), x.dtype, order="C")

    def back(self, y: Floats) -> Floats:
        """Give an array the axes of `x` again."""
        return np.moveaxis(y, -1, self.dim)

    def check_step(self) -> None:
        """Raise unless the axis is the last one, which time steps have."""
        if self.dim != -1:
            checks.complain(
                ValueError, "dim", "be -1 for a layer to stream, where arrays have no axis of time", self.dim
            )


class Softmax(OverAxis):
    """Probabilities, numbers that sum to 1 along an axis, as ``torch.nn.Softmax``.

    Parameters
    ----------
    dim : int
        The axis, counted from the end if negative; the last one if left out.

    Raises
    ------
    ValueError
        If an input has no axis `dim`.
    TypeError
        If an input is not an array of float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> fl.Softmax(dim=-1)(np.zeros((1, 4), "float32")).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    def forward(self, x: NDArray[np.floating]) -> Floats:
        """Compute the output."""
        return self.back(_core.softmax(self.last(x)))

    def forward_training(self, x: NDArray[np.floating]) -> tuple[Floats, Back]:
        """Compute the output, and what leads back."""
        y = _core.softmax(self.last(x))

        def back(dy: Floats) -> tuple[Floats, dict[str, Floats]]:
            slopes = self.last(dy)
            return self.back(y * (slopes - (slopes * y).sum(-1, keepdims=True))), {}

        return self.back(y), back


class LogSoftmax(OverAxis):
    """Logarithms of the probabilities of `Softmax`, as ``torch.nn.LogSoftmax``.

    Parameters
    ----------
    dim : int
        The axis, counted from the end if negative; the last one if left out.

    Raises
    ------
    ValueError
        If an input has no axis `dim`.
    TypeError
        If an input is not an array of float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> import fastlstm as fl
    >>> y = fl.LogSoftmax(dim=-1)(np.zeros((1, 4), "float32"))
    >>> np.exp(y).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    def forward(self, x: NDArray[np.floating]) -> Floats:
        """Compute the output."""
        return self.back(_core.softmax_and_log(self.last(x))[1])

    def forward_training(self, x: NDArray[np.floating]) -> tuple[Floats, Back]:
        """Compute the output, and what leads back."""
        p, y = _core.softmax_and_log(self.last(x))

        def back(dy: Floats) -> tuple[Floats, dict[str, Floats]]:
            slopes = self.last(dy)
            return self.back(slopes - p * slopes.sum(-1, keepdims=True)), {}

        return self.back(y), back
