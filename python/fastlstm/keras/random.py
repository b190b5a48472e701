"""Random numbers, under the names of ``keras.random``.

A `seed` is a whole number, which gives the same numbers at every call, or a `SeedGenerator`, which gives others. None:
they follow from what ``utils.set_random_seed`` was given.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.forks import safe_at_forks

from .foundation.arrays import Array
from .foundation.boxes import bare
from .foundation.random import draw_seed, generator
from .foundation.settings import floatx
from .ops.function import operation
from .ops.making import sizes


class SeedGenerator:
    """Where random numbers come from that are others at every call.

    Parameters
    ----------
    seed : int, optional
        To start with; None: any.
    name : str, optional
        Accepted and ignored.

    Raises
    ------
    ValueError
        If `seed` is out of range.
    TypeError
        If `seed` is no whole number.

    Examples
    --------
    >>> from fastlstm import keras
    >>> seed = keras.random.SeedGenerator(0)
    >>> first, second = keras.random.normal((2,), seed=seed), keras.random.normal((2,), seed=seed)
    >>> bool((first == second).any())
    False
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        given = checks.seed("seed", seed)
        self.initial_seed = draw_seed("draws") if given is None else given
        self.generator = safe_at_forks(np.random.default_rng(self.initial_seed))

    def next(self) -> Array:
        """Return two numbers that no other call gives."""
        return self.generator.integers(2**32, size=2, dtype=np.uint32)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"seed": self.initial_seed}


def _numbers(seed: Any) -> np.random.Generator:
    if seed is None:
        return generator("draws")
    if isinstance(seed, SeedGenerator):
        return seed.generator
    return np.random.default_rng(checks.whole_number("seed", seed, at_least=0))


def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Normal numbers."""
    return np.asarray(_numbers(seed).normal(mean, stddev, sizes(shape)), dtype or floatx())


def truncated_normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Normal numbers within two standard deviations."""
    numbers = _numbers(seed)
    drawn = numbers.standard_normal(sizes(shape))
    while (outside := np.abs(drawn) > 2).any():
        drawn[outside] = numbers.standard_normal(int(outside.sum()))
    result: Array = mean + stddev * drawn
    return result.astype(dtype or floatx())


def uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Numbers from `minval`, and below `maxval`, all as likely."""
    return np.asarray(_numbers(seed).uniform(minval, maxval, sizes(shape)), dtype or floatx())


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Array:
    """Whole numbers from `minval`, and below `maxval`, all as likely."""
    return np.asarray(_numbers(seed).integers(minval, maxval, sizes(shape))).astype(dtype)


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Array:
    """How many of so many trials succeed."""
    return np.asarray(_numbers(seed).binomial(counts, probabilities, sizes(shape))).astype(dtype or floatx())


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Array:
    """Numbers of a beta distribution."""
    return np.asarray(_numbers(seed).beta(alpha, beta, sizes(shape))).astype(dtype or floatx())


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Array:
    """Numbers of a gamma distribution."""
    return np.asarray(_numbers(seed).gamma(alpha, 1.0, sizes(shape))).astype(dtype or floatx())


@operation
def categorical(np: Any, logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Class numbers ``(N, num_samples)``, drawn by the logits ``(N, classes)``."""
    logits = bare(logits)
    gumbel = _numbers(seed).gumbel(size=(len(logits), num_samples, logits.shape[-1]))
    return (logits[:, None] + gumbel).argmax(-1).astype(dtype)


@operation
def shuffle(np: Any, x: Any, axis: int = 0, seed: Any = None) -> Any:
    """`x` with the entries along an axis in any order."""
    order = _numbers(seed).permutation(x.shape[axis])
    return x[(*(slice(None),) * (axis % x.ndim), order)]


@operation
def dropout(np: Any, inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """`inputs` with a part set to 0, and the rest larger, so that the mean stays."""
    rate = checks.fraction("rate", rate)
    if not 0 < rate < 1:
        return inputs
    given = [None] * inputs.ndim if noise_shape is None else noise_shape
    shape = [size if own is None else own for size, own in zip(inputs.shape, given, strict=True)]
    kept = (_numbers(seed).random(shape) >= rate) / (1 - rate)
    return inputs * kept.astype(inputs.dtype)
