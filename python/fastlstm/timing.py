"""Sampling the time of a call, and what is said about the samples: the one clock of `fastlstm.bench` and of ``bench/``.

It imports the standard library alone, because processes that time other libraries load it without fastlstm.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

__all__ = ["Summary", "sample", "show_time", "summarize"]

SHORTEST_SAMPLE = 2e-4  # seconds; shorter calls are repeated, so that reading the clock costs under 0.1 %
LONG_CALL = 1.0  # seconds; what caches held before it is soon forgotten
FEWEST_SAMPLES = 3  # of a call that is shorter than the time it has


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
    """Time a call again and again, after calls that warm the caches.

    Parameters
    ----------
    call : callable
        What is timed, without arguments.
    seconds : float
        About how long to go on.

    Returns
    -------
    list of float
        Seconds a call: at least 3 samples, or a single one of a call longer than `seconds`: its second run, as a first
        one that finds another's numbers in the caches takes up to a tenth more, or the first if it takes over a second.
    """
    once = _duration(call, 1)
    if once >= seconds > 0:
        return [once if once > LONG_CALL else _duration(call, 1)]
    repetitions = max(1, round(SHORTEST_SAMPLE / min(once, _duration(call, 1))))
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
    """Give the median and the quartiles of samples."""
    if len(samples) == 1:
        return Summary(samples[0], samples[0], samples[0])
    lower, median, upper = statistics.quantiles(samples, n=4, method="inclusive")
    return Summary(median, lower, upper)


def show_time(seconds: float) -> str:
    """Give three digits and a unit.

    Examples
    --------
    >>> show_time(0.001234)
    '1.23 ms'
    """
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"
