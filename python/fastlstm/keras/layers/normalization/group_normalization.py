"""Normalization of groups of features."""

from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, shape_text
from ..call import INFERENCE, TRAINING, Call, Pullback
from .affine_normalization import AffineNormalization, mean_along, spread


class GroupNormalization(AffineNormalization):
    """Bring each group of features of a sample to a mean of 0 and a variance of 1, over all steps.

    ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, with a mean and a variance for each group.

    Parameters
    ----------
    groups : int
        Number of groups, which the features are split into in turn; -1: one for each feature.
    axis : int
        Axis of the features.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there are the weights ``beta`` and ``gamma``, of a number for each feature.
    beta_initializer, gamma_initializer : str or Initializer
        Of the weights.
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        Penalties on them.
    beta_constraint, gamma_constraint : str or Constraint, optional
        What they are brought to after every update.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `groups` or `epsilon` is out of range, what is named is unknown, or inputs have another shape.
    TypeError
        If an argument has another type.

    References
    ----------
    Wu and He, Group Normalization, ECCV 2018.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.GroupNormalization(2, epsilon=0)([[1.0, 3.0, 10.0, 30.0]]).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    no_stream = "its means are over all steps"

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(epsilon, center, scale, **kwargs)
        self.groups = checks.whole_number(f"{self.name}: groups", groups, at_least=-1)
        if self.groups == 0:
            checks.refuse(ValueError, f"{self.name}: groups", "a positive number, or -1", groups)
        self.axis = checks.whole_number(f"{self.name}: axis", axis)
        self._set_options(
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )

    def _axes_of(self, rank: int) -> tuple[int, ...]:
        return (self.axis % rank,)

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """ValueError if an input of a `shape` does not fit the axes or the weights."""
        self._check_axes([self.axis], shape, name)
        features = shape[self.axis]
        if self.axis % len(shape) == 0 or (features is not None and self.groups > 0 and features % self.groups):
            wanted = f"a number of features at axis {self.axis} that {self.groups} groups have equal parts of"
            checks.complain(ValueError, f"{self.name}: {name}", f"have {wanted}", shape_text(shape))

    def _create_weights(self, input_shape: Shape) -> None:
        (features,) = self._create_affine(input_shape)
        self.groups = features if self.groups == -1 else self.groups

    def _split(self, x: Array) -> Array:
        """Return an array with an axis of the groups before that of the features."""
        axis = self.axis % x.ndim
        sizes = (self.groups, x.shape[axis] // self.groups)
        return x.reshape(*x.shape[:axis], *sizes, *x.shape[axis + 1 :])

    def _over(self, x: Array) -> tuple[int, ...]:
        """Return the axes of a split array over which there are one mean and one variance."""
        return tuple(axis for axis in range(1, x.ndim + 1) if axis != self.axis % x.ndim)

    def _normal(self, x: Array) -> tuple[Array, Array]:
        """Return the normalized groups, and one over the deviation."""
        parts, over = self._split(x), self._over(x)
        distance = parts - mean_along(parts, over)
        variance = mean_along(distance * distance, over)
        with np.errstate(divide="ignore", invalid="ignore"):  # no epsilon, and no variance
            inverse: Array = 1 / np.sqrt(variance + self.dtype.type(self.epsilon))
            return distance * inverse, inverse

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return self._with_affine(self._normal(x)[0].reshape(x.shape), self._axes_of(x.ndim))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        axes, (parts, inverse) = self._axes_of(x.ndim), self._normal(x)
        normal, (gamma, _) = parts.reshape(x.shape), self._affine(self.frozen())

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            others = tuple(axis for axis in range(x.ndim) if axis not in axes)
            gradients = self._affine_gradients(np.add.reduce(dy * normal, axis=others), np.add.reduce(dy, axis=others))
            if not call.need_dx:
                return None, gradients
            slope = self._split(dy if gamma is None else dy * spread(gamma, axes, x.shape))
            over = self._over(x)
            dx = slope - mean_along(slope, over) - parts * mean_along(slope * parts, over)
            return (dx * inverse).reshape(x.shape), gradients

        return self._with_affine(normal, axes), pullback

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"groups": self.groups, "axis": self.axis}
