"""Normalization by the root of the mean square."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, shape_text
from ...foundation.variable import Variable
from ..call import INFERENCE, TRAINING, Call, Pullback
from .affine_normalization import mean_along, spread
from .along_axes import AlongAxes


class RMSNormalization(AlongAxes):
    """Divide the numbers along one or more axes by the root of their mean square, times a weight ``scale``.

    ``scale * x / sqrt(mean(x**2) + epsilon)``.

    Parameters
    ----------
    axis : int or tuple of int
        Axis of the numbers, or a list of axes.
    epsilon : float
        Added to the mean square.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `epsilon` is out of range, `axis` has another form, or inputs have another shape.
    TypeError
        If an argument has another type.

    References
    ----------
    Zhang and Sennrich, Root Mean Square Layer Normalization, NeurIPS 2019.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.RMSNormalization(epsilon=0)([[3.0, -3.0]]).tolist()
    [[1.0, -1.0]]
    """

    scale: Variable

    ends_masks = True

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(axis, **kwargs)
        self.epsilon = checks.real_number(f"{self.name}: epsilon", epsilon, at_least=0)

    def _create_weights(self, input_shape: Shape) -> None:
        sizes = tuple(input_shape[axis] for axis in self._axes_of(len(input_shape)))
        if not all(sizes):
            wanted = "positive sizes along the axes of the weight"
            checks.complain(ValueError, f"{self.name}: input_shape", f"have {wanted}", shape_text(input_shape))
        self.scale = self.add_weight(sizes, "ones", name="scale")

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """ValueError if an input of a `shape` does not fit the axes or the weights."""
        super().check_input_shape(shape, name)
        if self._weights:
            wanted = dict(zip(self._axes_of(len(shape)), self.scale.shape, strict=True))
            if any(shape[axis] not in (None, size) for axis, size in wanted.items()):
                sizes = shape_text(tuple(wanted.get(axis) for axis in range(len(shape))))
                checks.refuse_shape(f"{self.name}: {name}", sizes, shape_text(shape))

    def compute_mask(self, x: Array, mask: Array | None) -> None:
        """None, as in Keras."""

    def _scaled(self, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
        with np.errstate(divide="ignore", invalid="ignore"):  # no epsilon, and zeros
            inverse = 1 / np.sqrt(mean_along(x * x, axes) + x.dtype.type(self.epsilon))
            return x * inverse, inverse

    def _through(self, slope: Array, y: Array, scale: Array, axes: tuple[int, ...]) -> Array:
        dx: Array = scale * (slope - y * mean_along(slope * y, axes))
        return dx

    def _weight(self, shape: tuple[int, ...]) -> Array:
        return spread(self.frozen()[0], self._axes_of(len(shape)), shape)

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        y: Array = super().forward(x, call) * self._weight(x.shape)
        return y

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        normal, back = super().vjp(x, call)
        weight, others = self._weight(x.shape), tuple(set(range(x.ndim)) - set(self._axes_of(x.ndim)))

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            dscale = [np.add.reduce(dy * normal, axis=others)] if self.trainable else []
            return back(dy * weight)[0], dscale

        return normal * weight, pullback

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"epsilon": self.epsilon}
