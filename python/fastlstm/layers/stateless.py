"""Layers without a state: an array goes in and one comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from numpy.typing import NDArray

from fastlstm import checks
from fastlstm.typing import Floats

from .arguments import as_array, as_floats
from .layer import Layer
from .vjp import Gradients, Pullback

Back: TypeAlias = Callable[[Floats], tuple[Any, dict[str, Floats]]]
"""From the gradient of the output to that of the input, or None, and those of the parameters."""


class Stateless(Layer):
    """Base of the layers that are functions of an array.

    A layer defines `forward` and `forward_training`; what these take was checked by `checked`.
    """

    def __call__(self, x: Floats) -> Floats:
        """Compute the output, as PyTorch does in ``eval()``.

        Parameters
        ----------
        x : ndarray
            The input, of the layer's dtype.

        Returns
        -------
        ndarray
            Of that dtype.

        Raises
        ------
        ValueError
            If a shape is wrong.
        TypeError
            If a dtype is wrong, or `x` is not an array.
        """
        return self.forward(self.checked(x))

    def vjp(self, x: Floats) -> tuple[Floats, Pullback]:
        """Compute the output as in training, and return the way back.

        Parameters
        ----------
        x : ndarray
            As for a call. It is kept, not copied: do not change it before the pullback has run.

        Returns
        -------
        y : ndarray
            The output; a `Dropout` has dropped.
        pullback : callable
            ``pullback(dy) -> Gradients``: from the gradient of a scalar with respect to the output to those with
            respect to `x` and every parameter. It may be called more than once.
        """
        y, back = self.forward_training(self.checked(x))

        def pullback(dy: Floats) -> Gradients:
            dx, parameters = back(as_gradient(dy, y))
            return Gradients(dx, None, parameters)

        return y, pullback

    def checked(self, x: Any) -> NDArray[Any]:
        """Return the input, if it can be one."""
        return as_floats(x, "x")

    def forward(self, x: NDArray[Any]) -> Floats:
        """Compute the output."""
        raise NotImplementedError

    def forward_training(self, x: NDArray[Any]) -> tuple[Floats, Back]:
        """Compute the output as in training, and what leads back."""
        raise NotImplementedError

    def size_behind(self, size: int | None, has_time: bool) -> int | None:
        """Return the length of the last axis of the output, where that of the input is `size`; None is unknown.

        `has_time` says whether there are steps. Raises ValueError where the input does not fit.
        """
        return size


def as_gradient(dy: Any, y: Floats) -> Floats:
    """`dy` if it can be the gradient of `y`."""
    array = as_array(dy, "dy", y.dtype)
    if array.shape != y.shape:
        checks.refuse_shape("dy", y.shape, array.shape)
    return array
