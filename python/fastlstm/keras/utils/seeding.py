"""The seed of everything that is drawn."""

import random as python_random

import numpy as np

from fastlstm import checks

from ..foundation.random import seed_generator


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and fastlstm's generators, so that everything drawn afterwards repeats."""
    seed = checks.whole_number("seed", seed, at_least=0, at_most=2**32 - 1)
    python_random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for what the user draws with it
    seed_generator(seed)
