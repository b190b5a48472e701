"""The generator behind every random draw of the Keras surface: initial weights, shuffling, dropout."""

import numpy as np

from fastlstm.forks import safe_at_forks

_generator = safe_at_forks(np.random.default_rng())


def generator() -> np.random.Generator:
    """Return the generator in use; NumPy locks it, so threads may share it."""
    return _generator


def seed_generator(seed: int) -> None:
    """Start a fresh generator from `seed`."""
    global _generator
    _generator = safe_at_forks(np.random.default_rng(seed))


def draw_seed() -> int:
    """Return a seed for an object that was given none."""
    return int(_generator.integers(2**31))
