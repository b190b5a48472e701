"""Noise in training, normally distributed."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks
from fastlstm.forks import safe_at_forks

from ...foundation.arrays import Array
from ...foundation.random import generator
from ..base import Layer, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback


class Gaussian(Layer):
    """Base class of `GaussianNoise` and `GaussianDropout`, which draw noise in training and do nothing else."""

    steps_without_time = True

    keras_call: ClassVar[Mapping[str, Any]] = {"training": False}

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = checks.seed(f"{self.name}: seed", seed)
        self._generator = None if seed is None else np.random.default_rng(self.seed)

    def _noise(self, shape: tuple[int, ...], deviation: float) -> Array:
        """Return normally distributed numbers around 0."""
        source = safe_at_forks(self._generator or generator("noise"))
        noise: Array = source.standard_normal(shape, self.dtype)
        noise *= self.dtype.type(deviation)
        return noise

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; nothing is drawn."""
        return lambda x: (lambda: None, x)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"seed": self.seed}


class GaussianNoise(Gaussian):
    """While training, add noise with a mean of 0.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise, from 0 to 1.
    seed : int, optional
        Seed of a generator of the layer's own; None: that of the model draws.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `stddev` or `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.GaussianNoise(0.1)(np.ones((1, 2))).tolist()  # not in training
    [[1.0, 1.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.stddev = checks.fraction(f"{self.name}: stddev", stddev)

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        return x + self._noise(x.shape, self.stddev) if call.training and self.stddev > 0 else x

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        return self.forward(x, call), lambda dy: (dy, [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"stddev": self.stddev}


class GaussianDropout(Gaussian):
    """While training, multiply by noise with a mean of 1 and a standard deviation of ``sqrt(rate / (1 - rate))``.

    Parameters
    ----------
    rate : float
        The fraction that `Dropout` would drop for as much noise, from 0 to less than 1.
    seed : int, optional
        Seed of a generator of the layer's own; None: that of the model draws.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `rate` or `seed` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layers.GaussianDropout(0.5)(np.ones((1, 2))).tolist()  # not in training
    [[1.0, 1.0]]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = checks.real_number(f"{self.name}: rate", rate, at_least=0, below=1)

    def _factors(self, x: Array, call: Call) -> Array | None:
        if not call.training or self.rate == 0:
            return None
        factors = self._noise(x.shape, math.sqrt(self.rate / (1 - self.rate)))
        factors += self.dtype.type(1)
        return factors

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        factors = self._factors(x, call)
        return x if factors is None else x * factors

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        factors = self._factors(x, call)
        if factors is None:
            return x, lambda dy: (dy, [])
        return x * factors, lambda dy: (dy * factors, [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"rate": self.rate}
