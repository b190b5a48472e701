"""Normalization of each step by itself, over its features."""

import warnings
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ...foundation.arrays import Array, Shape, as_axes
from ..base import Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback
from .affine_normalization import AffineNormalization, mean_along, spread


class LayerNormalization(AffineNormalization):
    """Bring the features of each step to a mean of 0 and a variance of 1: ``gamma * (x - mean) / deviation + beta``.

    The deviation is ``sqrt(variance + epsilon)``.

    Parameters
    ----------
    axis : int or tuple of int
        Axis of the features, or a list of axes, over which there are one mean and one variance.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there are the weights ``beta`` and ``gamma``, with the sizes of these axes.
    beta_initializer, gamma_initializer : str or Initializer
        Of the weights.
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
        Penalties on them.
    beta_constraint, gamma_constraint : str or Constraint, optional
        What they are brought to after every update.
    rms_scaling : bool
        Leave out the mean and ``beta``: ``gamma * x / deviation``. Keras warns of it, as the deviation has the mean
        taken off all the same.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `epsilon` is out of range, what is named is unknown, `axis` has another form, or inputs have another
        shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layers.LayerNormalization(epsilon=0)([[1.0, 3.0], [10.0, 30.0]]).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(epsilon, center, scale, **kwargs)
        self.axis = as_axes(axis, f"{self.name}: axis")
        self.rms_scaling = checks.truth(f"{self.name}: rms_scaling", rms_scaling)
        if self.rms_scaling:
            message = f"{self.name}: rms_scaling divides by the deviation, which has the mean taken off"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
        self._set_options(
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )

    def _given(self) -> list[int]:
        return self.axis if isinstance(self.axis, list) else [self.axis]

    def _axes_of(self, rank: int) -> tuple[int, ...]:
        return tuple(sorted({axis % rank for axis in self._given()}))

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """See `Layer.check_input_shape`."""
        self._check_axes(self._given(), shape, name)

    @property
    def _has_gamma(self) -> bool:
        return self.scale or self.rms_scaling

    @property
    def _has_beta(self) -> bool:
        return self.center and not self.rms_scaling

    def _create_weights(self, input_shape: Shape) -> None:
        self._create_affine(input_shape)

    def _normal(self, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array, Array]:
        """Return what `gamma` is multiplied with, the distance from the mean, and one over the deviation."""
        distance = x - mean_along(x, axes)
        variance = mean_along(distance * distance, axes)
        with np.errstate(divide="ignore", invalid="ignore"):  # no epsilon, and no variance
            inverse: Array = 1 / np.sqrt(variance + self.dtype.type(self.epsilon))
            return (x if self.rms_scaling else distance) * inverse, distance, inverse

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        axes = self._axes_of(x.ndim)
        return self._with_affine(self._normal(x, axes)[0], axes)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        axes = self._axes_of(x.ndim)
        normal, distance, inverse = self._normal(x, axes)
        gamma, _ = self._affine(self.frozen())

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            others = tuple(axis for axis in range(x.ndim) if axis not in axes)
            gradients = self._affine_gradients(np.add.reduce(dy * normal, axis=others), np.add.reduce(dy, axis=others))
            if not call.need_dx:
                return None, gradients
            slope = dy if gamma is None else dy * spread(gamma, axes, x.shape)
            along = mean_along(slope * normal, axes) * distance * inverse
            dx = slope - along if self.rms_scaling else slope - mean_along(slope, axes) - along
            return dx * inverse, gradients

        return self._with_affine(normal, axes), pullback

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the axes must be behind that of time."""
        rank = len(self.input_shape or ())
        if rank < 3 or self._axes_of(rank)[0] < 2:
            return super().step_function()
        axes = tuple(axis - 1 for axis in self._axes_of(rank))
        gamma, beta = self._affine(self.frozen())

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty_like(x)

            def step() -> None:
                np.copyto(y, self._normal(x, axes)[0])
                if gamma is not None:
                    np.multiply(y, spread(gamma, axes, x.shape), out=y)
                if beta is not None:
                    np.add(y, spread(beta, axes, x.shape), out=y)

            return step, y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis, "rms_scaling": self.rms_scaling}
