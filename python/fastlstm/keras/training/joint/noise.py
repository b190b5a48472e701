"""What the parts of a batch draw from: it depends on the number of a part, and not on the rank that computes it."""

from __future__ import annotations

import random as python_random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...foundation.carried import generators_of, set_generator, state_of_generator
from ...foundation.random import LateSources, drawing_from, generator
from ...foundation.trees import unique


class Noise:
    """Random numbers of steps.

    Every step draws one number from each generator, on all ranks alike, and a part of a batch draws from what follows
    from that and its own number. So generators are in the same state on all ranks between steps, whoever drew how much.

    Parameters
    ----------
    layers : iterable
        All of a model: those with a seed have generators of their own.
    """

    def __init__(self, layers: Iterable[Any]) -> None:
        self._own = unique(source for layer in layers for source in generators_of(layer).values())
        self._seeds: list[int] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        """For the time of a block, a step is taken."""
        self._seeds = [_drawn(source) for source in (generator("noise"), *self._own)]
        with self.aside():
            yield

    @contextmanager
    def aside(self) -> Iterator[None]:
        """For the time of a block, others draw; then the generators of layers go on from where they were."""
        states = [state_of_generator(source) for source in self._own]
        try:
            yield
        finally:
            for source, state in zip(self._own, states, strict=True):
                set_generator(source, state, "a generator of a layer")

    def of(self, part: int) -> Any:
        """For the time of a block, what is drawn is for a part of the batch of the step."""
        for source, seed in zip(self._own, self._seeds[1:], strict=True):
            _seed(source, seed, part)
        return drawing_from(LateSources(self._seeds[0], part))


def _drawn(source: Any) -> int:
    """Return a seed."""
    if isinstance(source, python_random.Random):
        return source.getrandbits(31)
    draw = source.randint if isinstance(source, np.random.RandomState) else source.integers
    return int(draw(2**31))


def _seed(source: Any, seed: int, part: int) -> None:
    if isinstance(source, python_random.Random):
        source.seed(seed * 2**31 + part)
    elif isinstance(source, np.random.RandomState):
        source.seed([seed, part])
    else:
        bits: Any = source.bit_generator
        bits.state = type(bits)(np.random.SeedSequence([seed, part])).state
