"""The seed of everything that is drawn."""

import random as python_random

import numpy as np

from fastlstm import checks

from ..foundation.random import seed_sources


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and fastlstm's generators, so that everything drawn afterwards repeats.

    In a thread other than the main one fastlstm's are those of that thread: what others draw does not follow from it.

    Parameters
    ----------
    seed : int
        A whole number, at least 0 and below ``2**32``.

    Examples
    --------
    >>> from fastlstm import keras
    >>> set_random_seed(3)
    >>> first = keras.random.uniform((2,))
    >>> set_random_seed(3)
    >>> bool((keras.random.uniform((2,)) == first).all())
    True
    """
    seed = checks.whole_number("seed", seed, at_least=0, at_most=2**32 - 1)
    python_random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for what the user draws with it
    seed_sources(seed)
