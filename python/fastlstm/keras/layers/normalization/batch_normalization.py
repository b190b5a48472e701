"""Normalization feature by feature, over the batch and over time."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape
from ...foundation.training_step import change, sum_over_parts
from ...foundation.variable import CHANGE, Variable, current_values, values_now
from ..base import Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback
from .affine_normalization import AffineNormalization


class BatchNormalization(AffineNormalization):
    """Bring each feature to a mean of 0 and a variance of 1 over the batch: ``gamma * (x - mean) / deviation + beta``.

    In training mean and variance are those of the batch, over all axes but one, and averages of them follow; else they
    are these averages. With a mask only what is there counts. A layer with ``trainable = False`` goes by its averages
    in training too, as in Keras. The deviation is ``sqrt(variance + epsilon)``. Where several ranks train, the batch is
    that of all of them.

    Parameters
    ----------
    axis : int
        Axis of the features.
    momentum : float
        How much of the averages stays when those of a batch come in.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there are the weights ``beta`` and ``gamma``.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer : str or object, optional
        Names or initializers of the weights ``(F,)``.
    beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint : str or object, optional
        Names or objects.
    renorm, renorm_clipping, renorm_momentum : bool; dict; float
        Batch renormalization is not supported: only False is taken.
    synchronized : bool
        Makes no difference: mean and variance are always those of the whole batch.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `momentum`, `epsilon` or `renorm_momentum` is out of range, what is named is unknown, or inputs have
        another shape.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.BatchNormalization(epsilon=0)
    >>> layer(np.array([[1.0], [3.0]]), training=True).tolist()
    [[-1.0], [1.0]]
    >>> round(float(layer.moving_mean.value[0]), 4)
    0.02
    """

    told_of_mask = True
    joins_rows = True
    keras_call: ClassVar[Mapping[str, Any]] = {"mask": None}
    moving_mean: Variable
    moving_variance: Variable
    moving_mean_initializer: Any
    moving_variance_initializer: Any

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(epsilon, center, scale, **kwargs)
        self.axis = checks.whole_number(f"{self.name}: axis", axis)
        self.momentum = checks.fraction(f"{self.name}: momentum", momentum)
        self.synchronized = checks.truth(f"{self.name}: synchronized", synchronized)
        self._refuse_renorm(renorm, renorm_clipping, renorm_momentum)
        self._set_options(
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer,
            moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )

    def _refuse_renorm(self, renorm: Any, clipping: Any, momentum: Any) -> None:
        if checks.truth(f"{self.name}: renorm", renorm):
            raise NotImplementedError(f"{self.name}: renorm=True is not supported, leave it out")
        if clipping is not None:
            raise NotImplementedError(f"{self.name}: renorm_clipping is not supported, leave it out")
        self.renorm_momentum = checks.fraction(f"{self.name}: renorm_momentum", momentum)

    def _axes_of(self, rank: int) -> tuple[int, ...]:
        return (self.axis % rank,)

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """See `Layer.check_input_shape`."""
        self._check_axes([self.axis], shape, name)

    def _create_weights(self, input_shape: Shape) -> None:
        shape = self._create_affine(input_shape)
        self.moving_mean = self.add_weight(shape, self.moving_mean_initializer, name="moving_mean", trainable=False)
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, name="moving_variance", trainable=False
        )

    def _freeze(self, values: tuple[Array, ...]) -> tuple[Array, Array]:
        return self._factors(values, *values[-2:])

    def _factors(self, values: tuple[Array, ...], mean: Array, variance: Array) -> tuple[Array, Array]:
        """Return what `x` is multiplied with, and what is added, feature by feature."""
        gamma, beta = self._affine(values)
        inverse = _inverse_deviation(variance, self.epsilon)
        scale = inverse if gamma is None else inverse * gamma
        return scale, -mean * scale if beta is None else beta - mean * scale

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        there = self._there(call.mask, x)
        if not (call.training and self.trainable):
            return self._scaled(x, *self.frozen())
        mean, variance, _ = self._moments(x, there)
        self._follow(mean, variance)
        return self._scaled(x, *self._factors(current_values(self._weights), mean, variance))

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        by_batch, there = call.training and self.trainable, self._there(call.mask, x)
        values = current_values(self._weights)
        mean, variance, count = *values[-2:], None
        if by_batch:
            mean, variance, count = self._moments(x, there)
            self._follow(mean, variance)
        factors = self._factors(values, mean, variance)
        inverse = self._spread(_inverse_deviation(variance, self.epsilon), x.ndim)
        centred = self._spread(mean, x.ndim)

        def pullback(dy: Array) -> tuple[Array | None, list[Array]]:
            normal = (x - centred) * inverse
            sums = self._sum(dy, x.ndim), self._sum(dy * normal, x.ndim)
            dbeta, dgamma = (part.astype(self.dtype) for part in sums)
            gradients = self._affine_gradients(dgamma, dbeta)
            if not call.need_dx:
                return None, gradients
            if count is not None:  # the mean and the variance depend on what is there
                along, across = (self._spread(part / count, x.ndim) for part in self._over_parts(*sums))
                share = along + normal * across
                dy = dy - (share if there is None else np.where(there, share, 0))
            return dy * self._spread(factors[0], x.ndim), gradients

        return self._scaled(x, *factors), pullback

    def _there(self, mask: Any, x: Array) -> Array | None:
        """Return a mask ``(N, T)`` as ``(N, T, 1)``."""
        if mask is not None and mask.ndim != x.ndim - 1:
            wanted = f"one axis less than x {x.shape}"
            checks.complain(ValueError, f"{self.name}: mask", f"have {wanted}", f"shape {mask.shape}")
        return None if mask is None else mask[..., None]

    def _moments(self, x: Array, there: Array | None) -> tuple[Array, Array, Array]:
        """Return mean and variance of each feature, and how many numbers they are of; those of nothing are 0."""
        zero = self.dtype.type(0)
        counted = x if there is None else np.where(there, x, zero)
        count, total = self._over_parts(self._count(x, there), self._sum(counted, x.ndim))
        count = np.maximum(count, self.dtype.type(1))
        mean = total / count
        distance = x - self._spread(mean, x.ndim)
        if there is not None:
            distance = np.where(there, distance, zero)
        (squares,) = self._over_parts(self._sum(distance * distance, x.ndim))
        return mean, squares / count, count

    def _count(self, x: Array, there: Array | None) -> Array:
        """Return how many numbers of each feature there are."""
        features = x.shape[self.axis]
        if there is None:
            return np.full(features, x.size // features, np.float64)
        return self._sum(np.broadcast_to(there, x.shape), x.ndim)

    def _sum(self, x: Array, rank: int) -> Array:
        """Sum of each feature; in float64, as there may be very many numbers."""
        others = tuple(axis for axis in range(rank) if axis != self.axis % rank)
        result: Array = np.add.reduce(x, axis=others, dtype=np.float64)
        return result

    def _over_parts(self, *sums: Array) -> Array:
        """Return sums of each feature over the whole batch, a row each."""
        return sum_over_parts(np.concatenate(sums)).astype(self.dtype).reshape(len(sums), -1)

    def _spread(self, values: Array, rank: int) -> Array:
        """Return ``(F,)`` as something that broadcasts to the input."""
        behind = rank - 1 - self.axis % rank
        return values.reshape(-1, *[1] * behind) if behind else values

    def _scaled(self, x: Array, scale: Array, offset: Array) -> Array:
        y: Array = x * self._spread(scale, x.ndim)
        return np.add(y, self._spread(offset, x.ndim), out=y)

    def _follow(self, mean: Array, variance: Array) -> None:
        """Let the averages follow, when the step is done."""
        change(partial(self._replace_averages, mean, variance), of_all=True)

    def _replace_averages(self, mean: Array, variance: Array) -> None:
        keep, take = self.dtype.type(self.momentum), self.dtype.type(1 - self.momentum)
        with CHANGE:
            # By what they are now: the layer may have been called more than once in this step.
            now = values_now([self.moving_mean, self.moving_variance])
            for (variable, value), found in zip(now.items(), (mean, variance), strict=True):
                variable.assign(value * keep + found * take)

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; the features must be behind the axis of time."""
        rank = len(self.input_shape or ())
        if rank < 3 or self.axis % rank < 2:
            return super().step_function()
        scale, offset = (self._spread(part, rank) for part in self.frozen())

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty_like(x)

            def step() -> None:
                np.multiply(x, scale, out=y)
                np.add(y, offset, out=y)

            return step, y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"axis": self.axis, "momentum": self.momentum, "synchronized": self.synchronized}
        renorm = {"renorm": False, "renorm_clipping": None, "renorm_momentum": self.renorm_momentum}
        return super().get_config() | own | renorm


def _inverse_deviation(variance: Array, epsilon: float) -> Array:
    with np.errstate(divide="ignore"):  # no epsilon, and no variance
        result: Array = 1 / np.sqrt(variance + variance.dtype.type(epsilon))
    return result
