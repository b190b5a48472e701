"""Initial weights, drawn from the distributions Keras draws them from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastlstm import checks

from .foundation.arrays import Array, any_numbers, float_dtype, memory_for, weight_shape
from .foundation.configs import Configurable, Kind
from .foundation.lookup import function_name, names_of
from .foundation.random import draw_seed


class Initializer(Configurable):
    """Base class: ``initializer(shape, dtype=None)`` gives an array.

    An initializer with random values draws the same ones at every call, those of its `seed`. Without one it takes a
    seed when it is made, which follows from that of ``keras.utils.set_random_seed``.

    Raises
    ------
    ValueError
        A size of the shape that it is called with is out of range.
    TypeError
        The shape or dtype has another type.
    MemoryError
        There is not so much memory.
    NotImplementedError
        The class does not define `__call__`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import initializers, layers
    >>> class Ramp(initializers.Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    ...
    >>> layers.Dense(2, bias_initializer=Ramp()).bias_initializer.__class__.__name__
    'Ramp'
    """

    def __call__(self, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
        """Draw an array."""
        wanted, sizes = float_dtype(dtype), weight_shape(shape, "shape")
        with memory_for(sizes, "shape", wanted):
            return np.asarray(self._draw(sizes), dtype=wanted, order="C")

    def _draw(self, shape: tuple[int, ...]) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define _draw(shape)")


class FunctionInitializer(Initializer):
    """A function that makes arrays.

    Parameters
    ----------
    function : callable
        ``function(shape, dtype=None)`` gives an array.

    Raises
    ------
    TypeError
        If `function` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.FunctionInitializer(lambda shape, dtype=None: np.full(shape, 2.0))
    >>> initializer((2,)).tolist()
    [2.0, 2.0]
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = checks.function("function", function)

    def __call__(self, shape: tuple[int, ...], dtype: DTypeLike | None = None) -> Array:
        """Make an array."""
        wanted, sizes = float_dtype(dtype), weight_shape(shape, "shape")
        array = np.array(any_numbers(self.function(sizes, dtype=wanted), "initializer"), wanted, order="C")
        if array.shape != sizes:
            checks.complain(ValueError, "initializer", f"give an array of shape {sizes}", array.shape)
        return array

    def get_config(self) -> dict[str, Any]:
        """NotImplementedError: a function cannot be described."""
        raise NotImplementedError(f"initializer {function_name(self.function)!r} is a function and has no config")


class _Random(Initializer):
    def __init__(self, seed: int | None = None) -> None:
        self._given_seed = checks.seed("seed", seed)
        self.seed = draw_seed("weights") if self._given_seed is None else self._given_seed

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; without a seed of its own another object draws other values."""
        return super().get_config() | {"seed": self._given_seed}

    @property
    def _generator(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


class Zeros(Initializer):
    """All zeros.

    Raises
    ------
    ValueError
        A size of the shape that it is called with is out of range.
    TypeError
        The shape or dtype has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.Zeros()
    >>> initializer((2,)).tolist()
    [0.0, 0.0]
    """

    def _draw(self, shape: tuple[int, ...]) -> Array:
        return np.zeros(shape)


class Ones(Initializer):
    """All ones.

    Raises
    ------
    ValueError
        A size of the shape that it is called with is out of range.
    TypeError
        The shape or dtype has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.Ones()
    >>> initializer((2,)).tolist()
    [1.0, 1.0]
    """

    def _draw(self, shape: tuple[int, ...]) -> Array:
        return np.ones(shape)


class Constant(Initializer):
    """`value` everywhere.

    Raises
    ------
    ValueError
        If `value` is not finite, or does not fit the shape of a weight.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.Constant(0.5)
    >>> initializer((2,)).tolist()
    [0.5, 0.5]
    """

    def __init__(self, value: Any = 0.0) -> None:
        if not np.isfinite(any_numbers(value, "value")).all():
            checks.refuse(ValueError, "value", "finite", value)
        self.value = value

    def _draw(self, shape: tuple[int, ...]) -> Array:
        value = np.asarray(self.value, dtype=np.float64)
        try:
            return np.broadcast_to(value, shape)
        except ValueError:
            checks.complain(ValueError, "value", f"be a number or fit a weight of shape {shape}", value.shape)


class Identity(Initializer):
    """`gain` on the diagonal of a matrix.

    Raises
    ------
    ValueError
        If a weight has not two axes.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.Identity()
    >>> initializer((2, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = checks.real_number("gain", gain)

    def _draw(self, shape: tuple[int, ...]) -> Array:
        if len(shape) != 2:
            checks.refuse(ValueError, "Identity: shape", "that of a matrix", shape)
        return self.gain * np.eye(*shape)


class RandomNormal(_Random):
    """Normal distribution.

    Raises
    ------
    ValueError
        If `stddev` or `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.RandomNormal(seed=0)
    >>> initializer((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = checks.real_number("mean", mean)
        self.stddev = checks.real_number("stddev", stddev, at_least=0)

    def _draw(self, shape: tuple[int, ...]) -> Array:
        return self._generator.normal(self.mean, self.stddev, shape)


class RandomUniform(_Random):
    """Uniform distribution between `minval` and `maxval`.

    Raises
    ------
    ValueError
        If `maxval` is below `minval`, or `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.RandomUniform(-1.0, 1.0, seed=0)
    >>> bool(abs(initializer((100,))).max() <= 1)
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval = checks.real_number("minval", minval)
        self.maxval = checks.real_number("maxval", maxval)
        if self.minval > self.maxval:
            checks.refuse(ValueError, "minval", f"at most maxval {self.maxval}", self.minval)

    def _draw(self, shape: tuple[int, ...]) -> Array:
        return self._generator.uniform(self.minval, self.maxval, shape)


class TruncatedNormal(_Random):
    """Normal distribution, values further than two standard deviations from the mean drawn again.

    Raises
    ------
    ValueError
        If `stddev` or `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.TruncatedNormal(seed=0)
    >>> initializer((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = checks.real_number("mean", mean)
        self.stddev = checks.real_number("stddev", stddev, at_least=0)

    def _draw(self, shape: tuple[int, ...]) -> Array:
        return self.mean + self.stddev * _truncated_normal(self._generator, shape)


def _truncated_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    values = generator.standard_normal(shape)
    outside = np.abs(values) > 2
    while np.any(outside):
        values[outside] = generator.standard_normal(int(outside.sum()))
        outside = np.abs(values) > 2
    return values


class VarianceScaling(_Random):
    """Variance ``scale / n``, with n the inputs, outputs or their mean (`mode`), from the given distribution.

    The axes of a weight that count as its inputs are `input_axes`, those of its outputs `output_axes`; without both,
    the last is that of the outputs and the one before that of the inputs.

    Raises
    ------
    ValueError
        If `scale` or `seed` is out of range, or `mode` or `distribution` is unknown.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.VarianceScaling(seed=0)
    >>> initializer((2, 3)).shape
    (2, 3)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Any = None,
        output_axes: Any = None,
    ) -> None:
        super().__init__(seed)
        self.input_axes = _checked_axes("input_axes", input_axes)
        self.output_axes = _checked_axes("output_axes", output_axes)
        distributions = ("normal", "truncated_normal", "untruncated_normal", "uniform")
        self.scale = checks.real_number("scale", scale, above=0)
        self.mode = checks.one_of("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        self.distribution = checks.one_of("distribution", distribution, distributions)

    def _draw(self, shape: tuple[int, ...]) -> Array:
        fan_in, fan_out = self._fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return self._generator.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return self._generator.normal(0, math.sqrt(variance), shape)
        # 0.8796... is the standard deviation of a unit normal cut off at two.
        return math.sqrt(variance) / 0.87962566103423978 * _truncated_normal(self._generator, shape)

    def _fans(self, shape: tuple[int, ...]) -> tuple[int, int]:
        if self.input_axes is not None and self.output_axes is not None:
            return _product(shape, self.input_axes), _product(shape, self.output_axes)
        if len(shape) < 2:
            size = math.prod(shape)
            return size, size
        receptive = math.prod(shape[:-2])
        return shape[-2] * receptive, shape[-1] * receptive

    def for_axes(self, input_axes: list[int], output_axes: list[int]) -> VarianceScaling:
        """Return one like this for weights with these axes, or this one if it was given its axes."""
        if self.input_axes is not None and self.output_axes is not None:
            return self
        other = copy(self)
        other.input_axes, other.output_axes = input_axes, output_axes
        return other


def _checked_axes(name: str, axes: Any) -> list[int] | None:
    wanted = "a list of axes"
    return None if axes is None else [checks.whole_number(name, axis) for axis in checks.items(name, axes, wanted)]


def _product(shape: tuple[int, ...], axes: list[int]) -> int:
    try:
        return math.prod(shape[axis] for axis in axes)
    except IndexError:
        checks.complain(ValueError, "axes", f"be those of a weight of shape {shape}", axes)


class _Scaled(VarianceScaling):
    _settings: tuple[float, str, str]

    def __init__(self, seed: int | None = None, input_axes: Any = None, output_axes: Any = None) -> None:
        super().__init__(*self._settings, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._given_seed, "input_axes": self.input_axes, "output_axes": self.output_axes}


class GlorotUniform(_Scaled):
    """Uniform within ``sqrt(6 / (inputs + outputs))``.

    Raises
    ------
    ValueError
        If `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.GlorotUniform(seed=0)
    >>> initializer((2, 3)).shape
    (2, 3)
    """

    _settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal of variance ``2 / (inputs + outputs)``.

    Raises
    ------
    ValueError
        If `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.GlorotNormal(seed=0)
    >>> initializer((2, 3)).shape
    (2, 3)
    """

    _settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform within ``sqrt(6 / inputs)``.

    Raises
    ------
    ValueError
        If `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.HeUniform(seed=0)
    >>> initializer((2, 3)).shape
    (2, 3)
    """

    _settings = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal of variance ``2 / inputs``.

    Raises
    ------
    ValueError
        If `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.HeNormal(seed=0)
    >>> initializer((2, 3)).shape
    (2, 3)
    """

    _settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform within ``sqrt(3 / inputs)``.

    Raises
    ------
    ValueError
        If `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.LecunUniform(seed=0)
    >>> initializer((2, 3)).shape
    (2, 3)
    """

    _settings = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal of variance ``1 / inputs``.

    Raises
    ------
    ValueError
        If `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import initializers
    >>> initializer = initializers.LecunNormal(seed=0)
    >>> initializer((2, 3)).shape
    (2, 3)
    """

    _settings = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_Random):
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`.

    Raises
    ------
    ValueError
        If a weight has less than two axes.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import initializers
    >>> q = initializers.Orthogonal(seed=0)((3, 3))
    >>> bool(np.allclose(q @ q.T, np.eye(3), atol=1e-6))
    True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = checks.real_number("gain", gain)

    def _draw(self, shape: tuple[int, ...]) -> Array:
        if len(shape) < 2:
            checks.complain(ValueError, "Orthogonal: shape", "have two axes or more", shape)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = self._generator.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        # With the signs of R's diagonal taken out, Q is uniformly distributed.
        q *= np.sign(np.diag(r))
        return self.gain * (q.T if rows < columns else q).reshape(shape)


zeros, ones, constant, identity, orthogonal = Zeros, Ones, Constant, Identity, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_normal, glorot_uniform, variance_scaling = GlorotNormal, GlorotUniform, VarianceScaling
he_normal, he_uniform, lecun_normal, lecun_uniform = HeNormal, HeUniform, LecunNormal, LecunUniform
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal

_KNOWN = names_of(
    *(Zeros, Ones, Constant, Identity, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling),
    *(GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal, Orthogonal),
    normal=RandomNormal,
    uniform=RandomUniform,
    zero=Zeros,
    one=Ones,
)
_KIND = Kind(Initializer, _KNOWN, "keras.initializers", "initializer")


def get(identifier: Any, argument: str = "initializer") -> Initializer:
    """Return the initializer that a name, class, instance, description or function stands for; None is ``zeros``."""
    if callable(identifier) and not isinstance(identifier, Initializer | type):
        return FunctionInitializer(identifier)
    return Zeros() if identifier is None else _KIND.get(identifier, argument)


def serialize(initializer: Initializer) -> dict[str, Any]:
    """Return the description of an initializer, which JSON can hold: module, class name and config."""
    return _KIND.serialize(initializer)


def deserialize(config: Any, custom_objects: Mapping[str, type[Initializer]] | None = None) -> Initializer:
    """Make an initializer from its description; classes of your own are found in `custom_objects`, by name."""
    return _KIND.deserialize(config, custom_objects)
