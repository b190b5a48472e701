"""The generator behind every random draw of the Keras surface: initial weights, shuffling, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm.forks import safe_at_forks

_generator: np.random.Generator | None = None


def generator() -> np.random.Generator:
    """Return the generator in use; NumPy locks it, so threads may share it."""
    return _generator or _first()


def _first() -> np.random.Generator:
    """Return the generator of a process that has not been seeded: it begins with the state of NumPy's own one.

    So a program that seeds NumPy alone repeats. What NumPy draws is the same as without this.
    """
    state: Any = np.random.get_state()  # noqa: NPY002 - the one that programs seed
    return _use(state[1])


def _use(seed: Any) -> np.random.Generator:
    global _generator
    _generator = made = safe_at_forks(np.random.default_rng(seed))
    return made


def seed_generator(seed: int) -> None:
    """Start a fresh generator from `seed`."""
    _use(seed)


def draw_seed() -> int:
    """Return a seed for an object that was given none."""
    return int(generator().integers(2**31))
