"""What normalizing layers share: the scale ``gamma`` and the offset ``beta`` that are learned."""

import math
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, shape_text
from ...foundation.variable import Variable
from ..base import Layer


class AffineNormalization(Layer):
    """Base class of layers with the weights ``gamma`` and ``beta``."""

    min_ndim = 2
    gamma: Variable | None
    beta: Variable | None

    def __init__(self, epsilon: float, center: bool, scale: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = checks.real_number(f"{self.name}: epsilon", epsilon, at_least=0)
        self.center = checks.truth(f"{self.name}: center", center)
        self.scale = checks.truth(f"{self.name}: scale", scale)

    def _axes_of(self, rank: int) -> tuple[int, ...]:
        """Return the axes of the weights, counted from the front and in order."""
        raise NotImplementedError(f"{type(self).__name__} must define _axes_of(rank)")

    def _check_axes(self, given: list[int], shape: Shape, name: str) -> None:
        """ValueError if an input of a `shape` lacks one of the axes, or differs there from the one built for."""
        if len(shape) < self.min_ndim:
            must = f"have at least {self.min_ndim} axes"
            checks.complain(ValueError, f"{self.name}: {name}", must, shape_text(shape))
        rank, built = len(shape), self.input_shape if self._weights else None
        if not all(-rank <= axis < rank for axis in given):
            axes = given if len(given) > 1 else given[0]
            checks.complain(ValueError, f"{self.name}: {name}", f"have the axis {axes}", shape_text(shape))
        if built is None:
            return
        kept = {axis: built[axis] for axis in self._axes_of(len(built))}
        if rank != len(built) or any(shape[axis] not in (None, size) for axis, size in kept.items()):
            wanted = shape_text(tuple(kept.get(axis) for axis in range(len(built))))
            checks.refuse_shape(f"{self.name}: {name}", wanted, shape_text(shape))

    def _create_affine(self, input_shape: Shape) -> tuple[int, ...]:
        """Create ``gamma`` and ``beta``; return their shape."""
        sizes = tuple(input_shape[axis] for axis in self._axes_of(len(input_shape)))
        known = tuple(size for size in sizes if size is not None)
        if len(known) < len(sizes) or 0 in known:
            wanted = "positive sizes where the weights have theirs"
            checks.complain(ValueError, f"{self.name}: input_shape", f"have {wanted}", shape_text(input_shape))
        self.gamma = self._add_weight(known, "gamma") if self._has_gamma else None
        self.beta = self._add_weight(known, "beta") if self._has_beta else None
        return known

    @property
    def _has_gamma(self) -> bool:
        return self.scale

    @property
    def _has_beta(self) -> bool:
        return self.center

    def _affine(self, values: tuple[Array, ...]) -> tuple[Array | None, Array | None]:
        """Return ``gamma`` and ``beta`` among the `values` of the weights; None for one that is not there."""
        given = iter(values)
        gamma = next(given) if self._has_gamma else None
        return gamma, next(given) if self._has_beta else None

    def _with_affine(self, normal: Array, axes: tuple[int, ...]) -> Array:
        gamma, beta = self._affine(self.frozen())
        y = normal if gamma is None else normal * spread(gamma, axes, normal.shape)
        return y if beta is None else y + spread(beta, axes, normal.shape)

    def _affine_gradients(self, dgamma: Array, dbeta: Array) -> list[Array]:
        if not self.trainable:
            return []
        return [d for d, there in ((dgamma, self._has_gamma), (dbeta, self._has_beta)) if there]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"epsilon": self.epsilon, "center": self.center, "scale": self.scale}


def mean_along(x: Array, axes: tuple[int, ...]) -> Array:
    """Return the mean along axes, which are kept."""
    total = np.add.reduce(x, axis=axes, keepdims=True)
    mean: Array = total / x.dtype.type(math.prod(x.shape[axis] for axis in axes))
    return mean


def spread(values: Array, axes: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """Return a weight with the sizes of the `axes` as something that broadcasts to an input of a `shape`."""
    return values.reshape([size if axis in axes else 1 for axis, size in enumerate(shape)])
