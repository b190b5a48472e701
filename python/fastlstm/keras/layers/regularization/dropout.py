"""Dropout, and the masks of it."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from fastlstm import checks
from fastlstm.forks import safe_at_forks

from ...foundation.arrays import Array, as_shape
from ...foundation.random import generator
from ..base import Layer, Stepper
from ..call import INFERENCE, TRAINING, Call, Pullback


class Dropout(Layer):
    """While training, set a fraction of the inputs to zero and scale the others up.

    Parameters
    ----------
    rate : float
        Fraction to drop, from 0 to 1.
    noise_shape : tuple of int, optional
        Shape of the drawn mask; axes of length 1 are dropped together. None: the input's shape.
    seed : int, optional
        Seed of a generator of the layer's own; None: that of the model draws.
    **kwargs : keyword arguments
        Those of `Layer`.

    Raises
    ------
    ValueError
        If `rate` or `seed` is out of range, or `noise_shape` has another form.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import layers
    >>> layer = layers.Dropout(0.5, seed=0)
    >>> layer(np.ones((1, 4))).tolist()
    [[1.0, 1.0, 1.0, 1.0]]
    >>> sorted(set(layer(np.ones((1, 100)), training=True).ravel().tolist()))
    [0.0, 2.0]
    """

    steps_without_time = True

    keras_call: ClassVar[Mapping[str, Any]] = {"training": False}

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = checks.fraction(f"{self.name}: rate", rate)
        self.noise_shape = None if noise_shape is None else as_shape(noise_shape, f"{self.name}: noise_shape")
        self.seed = checks.seed(f"{self.name}: seed", seed)
        self._generator = None if seed is None else np.random.default_rng(self.seed)

    def step_function(self) -> Stepper:
        """See `Layer.step_function`; nothing is dropped."""
        return lambda x: (lambda: None, x)

    def _keep(self, x: Array) -> Array | None:
        if self.rate == 0:
            return None
        shape = x.shape
        if self.noise_shape is not None:
            shape = self._noise_shape(x.shape)
        return dropout_mask(self._generator or generator("noise"), shape, self.rate, x.dtype)

    def _noise_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        wanted = self.noise_shape or ()
        if len(wanted) != len(shape) or any(n not in (None, 1, s) for s, n in zip(shape, wanted, strict=True)):
            fits = f"{len(shape)} sizes, each None, 1 or that of x {shape}"
            checks.refuse(ValueError, f"{self.name}: noise_shape", fits, wanted)
        return tuple(s if n is None else n for s, n in zip(shape, wanted, strict=True))

    def forward(self, x: Array, call: Call = INFERENCE) -> Array:
        """Compute the output; see `Layer.forward`."""
        keep = self._keep(x) if call.training else None
        return x if keep is None else x * keep

    def vjp(self, x: Array, call: Call = TRAINING) -> tuple[Array, Pullback]:
        """See `Layer.vjp`."""
        keep = self._keep(x) if call.training else None
        if keep is None:
            return x, lambda dy: (dy, [])
        return x * keep, lambda dy: (dy * keep, [])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}


def dropout_mask(source: np.random.Generator, shape: tuple[int, ...], rate: float, dtype: np.dtype[Any]) -> Array:
    """Zeros with probability `rate`, elsewhere the factor that keeps the mean."""
    if rate >= 1:
        return np.zeros(shape, dtype)
    kept = safe_at_forks(source).random(shape, dtype=np.float32) >= rate
    result: Array = kept * dtype.type(1 / (1 - rate))
    return result
