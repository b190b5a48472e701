"""Means that follow what comes, with the older part fading."""

from ..foundation.arrays import Array


def follow(mean: Array, values: Array, keep: float) -> None:
    """``mean += (values - mean) * (1 - keep)``; `values` is overwritten."""
    values -= mean
    values *= 1 - keep
    mean += values
