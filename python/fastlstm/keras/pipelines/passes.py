"""Passes over the elements: several, kept ones, and the seeds of their orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import numpy as np

from fastlstm.forks import safe_at_forks

from ..foundation.carried import State
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
    make : callable
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


class Seeds:
    """The seeds of the orders of passes.

    Parameters
    ----------
    seed : int, optional
        What they are drawn by; None: they follow from what is in force when a pass begins.
    anew : bool
        Whether every pass has a seed of its own.
    """

    def __init__(self, seed: int | None, anew: bool) -> None:
        self._numbers = None if seed is None else safe_at_forks(np.random.default_rng(seed))
        self._only = None if anew else draw_seed("order") if seed is None else seed
        self._known, self._ahead = list[int](), list[int]()
        """The seeds so far, and the next ones, which a training that goes on takes again."""

    def __next__(self) -> int:
        """Return the seed of the next pass."""
        self._known.append(self._ahead.pop(0) if self._ahead else self._new())
        return self._known[-1]

    def _new(self) -> int:
        if self._only is not None:
            return self._only
        return draw_seed("order") if self._numbers is None else int(self._numbers.integers(2**31))

    def get_state(self) -> State:
        """Return the seeds so far, and what others follow from."""
        own = None if self._numbers is None else self._numbers.bit_generator.state
        return {"numbers": own, "only": self._only, "known": list(self._known)}

    def set_state(self, state: State) -> None:
        """Go on from what `get_state` gave, with the seeds that this state has and that one had not yet."""
        before, self._known, self._only = self._known, list(state["known"]), state["only"]
        place = len(self._known)
        self._ahead = before[place:] if before[:place] == self._known else []
        if self._numbers is not None and state["numbers"] is not None and not self._ahead:
            self._numbers.bit_generator.state = state["numbers"]
