"""Sampling the time of a call, and what is said about the samples."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

SHORTEST_SAMPLE = 2e-4  # seconds; shorter calls are repeated, so that reading the clock costs under 0.1 %
FEWEST_SAMPLES = 3


class Summary(NamedTuple):
    """Median and quartiles, in seconds a call."""

    median: float
    lower: float
    upper: float

    @property
    def spread(self) -> float:
        """Distance of the quartiles, relative to the median."""
        return (self.upper - self.lower) / self.median


def sample(call: Callable[[], Any], seconds: float) -> list[float]:
    """Time a call again and again for about `seconds`, after calls that warm the caches."""
    once = _duration(call, 1)
    once = min(once, _duration(call, 1)) if once < seconds else once
    repetitions = max(1, round(SHORTEST_SAMPLE / once))
    samples: list[float] = []
    collecting = gc.isenabled()
    gc.disable()  # a collection in the middle of a sample is noise
    try:
        end = perf_counter() + seconds
        while len(samples) < FEWEST_SAMPLES or perf_counter() < end:
            samples.append(_duration(call, repetitions))
    finally:
        if collecting:
            gc.enable()
    return samples


def _duration(call: Callable[[], Any], repetitions: int) -> float:
    start = perf_counter()
    for _ in range(repetitions):
        call()
    return (perf_counter() - start) / repetitions


def summarize(samples: Sequence[float]) -> Summary:
    """Median and quartiles of samples."""
    if len(samples) == 1:
        return Summary(samples[0], samples[0], samples[0])
    lower, median, upper = statistics.quantiles(samples, n=4, method="inclusive")
    return Summary(median, lower, upper)
