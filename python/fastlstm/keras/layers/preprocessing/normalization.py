"""Numbers less a mean, in units of a deviation, both known before training."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastlstm import checks

from ...foundation.arrays import Array, Shape, any_numbers, as_array, as_axes, shape_text
from ...foundation.settings import epsilon
from ...foundation.variable import CHANGE, Variable
from ..base import Layer, Step, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback
from .adapting import batches_of


class Normalization(Layer):
    """Return ``(x - mean) / sqrt(variance)``, with what `adapt` finds in data or what is given.

    Parameters
    ----------
    axis : int or tuple of int
        The axes along which every place has a mean and a variance of its own: the features by default, None for one of
        all numbers.
    mean, variance : array_like, optional
        In place of `adapt`: numbers, or arrays whose last axes are those of `axis`. Both or none.
    invert : bool
        Return ``x * sqrt(variance) + mean``.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `mean` or `variance` has another form, or inputs have another shape.
    TypeError
        If an argument has another type.

    Notes
    -----
    The deviation is at least ``keras.config.epsilon()``. The weights ``mean`` and ``variance`` have the sizes of the
    axes, and ``count`` is kept for files of Keras; there are none where `mean` is given.

    Examples
    --------
    >>> from fastlstm.keras import layers
    >>> layer = layers.Normalization()
    >>> layer.adapt([[1.0, 10.0], [3.0, 30.0]])
    >>> layer([[5.0, 10.0]]).tolist()
    [[3.0, -1.0]]
    """

    min_ndim = 1
    mean: Variable | None = None
    variance: Variable | None = None

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else _axes(f"{self.name}: axis", axis)
        self.invert = checks.truth(f"{self.name}: invert", invert)
        if (mean is None) != (variance is None):
            must = f"be given where {'mean' if variance is None else 'variance'} is"
            checks.complain(ValueError, f"{self.name}: {'variance' if variance is None else 'mean'}", must, None)
        self.input_mean, self.input_variance = self._checked("mean", mean), self._checked("variance", variance)
        if mean is not None and np.shape(self.input_mean) != np.shape(self.input_variance):
            checks.refuse_shape(f"{self.name}: variance", np.shape(self.input_mean), np.shape(self.input_variance))

    def _checked(self, name: str, given: Any) -> Any:
        if given is None:
            return None
        numbers = any_numbers(given, f"{self.name}: {name}", "a number or an array of numbers")
        if not np.isfinite(numbers).all() or (name == "variance" and (numbers < 0).any()):
            checks.refuse(ValueError, f"{self.name}: {name}", "finite numbers, of which no variance is below 0", given)
        if numbers.ndim > len(self.axis):
            checks.complain(ValueError, f"{self.name}: {name}", f"have at most {len(self.axis)} axes", numbers.shape)
        return numbers.astype(float).tolist()

    def _axes_of(self, rank: int) -> tuple[int, ...]:
        return tuple(sorted({axis % rank for axis in self.axis}))

    def check_input_shape(self, shape: Shape, name: str = "input_shape") -> None:
        """See `Layer.check_input_shape`; what has a mean of its own has a size that is known."""
        rank = len(shape)
        if not all(-rank <= axis < rank for axis in self.axis) or rank < self.min_ndim:
            checks.complain(ValueError, f"{self.name}: {name}", f"have the axes {self.axis}", shape_text(shape))
        built = self.input_shape if self.built else None
        kept = () if built is None else self._axes_of(len(built))
        if built is not None and (kept != self._axes_of(rank) or any(shape[k] not in (None, built[k]) for k in kept)):
            wanted = shape_text(tuple(built[k] if k in kept else None for k in range(len(built))))
            checks.refuse_shape(f"{self.name}: {name}", wanted, shape_text(shape))

    def _sizes(self, shape: Shape) -> tuple[int, ...]:
        found = tuple(shape[axis] for axis in self._axes_of(len(shape)))
        if None in found:
            must = f"have known sizes at the axes {self.axis}"
            checks.complain(ValueError, f"{self.name}: input_shape", must, shape_text(shape))
        return found  # type: ignore[return-value]

    @property
    def _has_build(self) -> bool:
        return True

    def _create_weights(self, input_shape: Shape) -> None:
        sizes = self._sizes(input_shape)
        if self.input_mean is not None:
            try:
                np.broadcast_to(np.asarray(self.input_mean), sizes)
            except ValueError:
                wanted = f"a shape that can be stretched to {sizes}"
                checks.refuse_shape(f"{self.name}: mean", wanted, np.shape(self.input_mean))
            return
        self.mean = self.add_weight(sizes, "zeros", name="mean", trainable=False)
        self.variance = self.add_weight(sizes, "ones", name="variance", trainable=False)
        self.add_weight((), "zeros", name="count", trainable=False)

    def adapt(self, data: Any) -> None:
        """Find mean and variance.

        Parameters
        ----------
        data : array_like or iterable
            An array, or an iterable of batches: of arrays, or of pairs of which the first is taken.
        """
        if self.input_mean is not None:
            must, cure = "be None for adapt() to find it", "; leave mean and variance out"
            checks.complain(ValueError, f"{self.name}: mean", must, checks.shown(self.input_mean), cure)
        found = _Moments()
        for batch in self._batches(data):
            self.check_input_shape(batch.shape, "data")
            self.ensure_built((None, *batch.shape[1:]))
            found.add(batch, tuple(k for k in range(batch.ndim) if k not in self._axes_of(batch.ndim)))
        if not found.count:
            checks.complain(ValueError, f"{self.name}: data", "have numbers in it", "none")
        assert self.mean is not None  # it is built
        assert self.variance is not None
        with CHANGE:
            self.mean.assign(found.mean)
            self.variance.assign(found.variance)

    def _batches(self, data: Any) -> Iterator[Array]:
        for batch in batches_of(data, None, self.name, lists_are_whole=not _is_list_of_arrays(data)):
            given = batch[0] if isinstance(batch, tuple) else batch
            yield as_array(given, f"{self.name}: data", self.dtype)

    def _freeze(self, values: tuple[Array, ...]) -> tuple[Array, Array]:
        """Return mean and deviation, each in a shape that goes with inputs."""
        assert self.input_shape is not None
        if self.input_mean is not None:
            values = np.asarray(self.input_mean, self.dtype), np.asarray(self.input_variance, self.dtype)
        sizes, axes = self._sizes(self.input_shape), self._axes_of(len(self.input_shape))
        # Axes in front of the first one with a mean of its own need not be there.
        rank = len(self.input_shape)
        first, known = axes[0] if axes else rank, dict(zip(axes, sizes, strict=True))
        shape = [known.get(axis, 1) for axis in range(first, rank)]
        mean, variance = (np.broadcast_to(value, sizes).reshape(shape) for value in values[:2])
        return mean, np.maximum(np.sqrt(variance), self.dtype.type(epsilon()))

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        y = np.empty_like(x)
        self._into(x, y, *self.frozen())
        return y

    def _into(self, x: Array, y: Array, mean: Array, deviation: Array) -> None:
        if self.invert:
            np.multiply(x, deviation, out=y)
            np.add(y, mean, out=y)
        else:
            np.subtract(x, mean, out=y)
            np.divide(y, deviation, out=y)

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        _, deviation = self.frozen()
        return self.forward(x, call), lambda dy: (dy * deviation if self.invert else dy / deviation, [])

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; steps have no mean of their own."""
        if 1 in self._axes_of(len(self.input_shape or (None, None, None))):
            must = "be behind that of time for the layer to be streamed"
            checks.complain(ValueError, f"{self.name}: axis", must, self.axis)
        mean, deviation = self.frozen()

        def stepper(x: Array) -> tuple[Step, Array]:
            y = np.empty_like(x)
            return lambda: self._into(x, y, mean, deviation), y

        return stepper

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"axis": self.axis, "invert": self.invert, "mean": self.input_mean, "variance": self.input_variance}
        return super().get_config() | own


class _Moments:
    """Mean and variance of batches together, in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = 0.0
        self.variance: Any = 0.0

    def add(self, batch: Array, axes: tuple[int, ...]) -> None:
        """Take in a batch, of which the numbers along `axes` count together."""
        count = int(np.prod([batch.shape[axis] for axis in axes], dtype=int)) if batch.size else 0
        if not count:
            return
        mean, variance = batch.mean(axes, np.float64), batch.var(axes, np.float64)
        self.count += count
        part = count / self.count
        change = mean - self.mean
        self.mean = self.mean + change * part
        # Distances from a mean that has moved by some part of the change.
        self.variance = (self.variance + change**2 * part) * (1 - part) + variance * part


def _axes(name: str, axis: Any) -> tuple[int, ...]:
    if isinstance(axis, list | tuple) and not axis:  # as configs have None
        return ()
    found = as_axes(axis, name)
    return tuple(found) if isinstance(found, list) else (found,)


def _is_list_of_arrays(data: Any) -> bool:
    return isinstance(data, list | tuple) and any(hasattr(entry, "__array__") for entry in data)
