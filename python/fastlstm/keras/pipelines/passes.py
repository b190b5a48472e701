"""Passes over the elements: several, kept ones, and the seeds of their orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import numpy as np

from fastlstm.forks import safe_at_forks

from ..foundation.eager import EagerArray
from ..foundation.random import draw_seed
from .elements import frozen
from .structures import nested


def passes(make: Callable[[], Iterator[Any]], times: int) -> Iterator[Any]:
    """Give the elements of several passes; of passes without end for -1, unless one has no elements."""
    for _ in repeat(None) if times < 0 else repeat(None, times):
        empty = True
        for element in make():
            empty = False
            yield element
        if empty:
            return


class Cache:
    """Makes elements once, and gives them in every pass after the first complete one.

    Parameters
    ----------
    make
        Returns an iterator over the elements.
    """

    def __init__(self, make: Callable[[], Iterator[Any]]) -> None:
        self._make = make
        self._kept: list[Any] | None = None

    def __call__(self) -> Iterator[Any]:
        """Return an iterator over the elements."""
        return self._keeping() if self._kept is None else iter(self._kept)

    def _keeping(self) -> Iterator[Any]:
        kept = []
        for element in self._make():
            kept.append(nested(lambda leaf: frozen(leaf) if isinstance(leaf, EagerArray) else leaf, element))
            yield kept[-1]
        self._kept = kept


def seeds(seed: int | None, anew: bool) -> Iterator[int]:
    """Give the seeds of the orders of passes: `anew` one for each, drawn by a `seed` or by that of all."""
    if not anew:
        return repeat(draw_seed() if seed is None else seed)
    if seed is None:
        return iter(draw_seed, None)
    numbers = safe_at_forks(np.random.default_rng(seed))
    return iter(lambda: int(numbers.integers(2**31)), None)
