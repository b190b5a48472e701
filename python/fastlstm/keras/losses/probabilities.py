"""Probabilities over the last axis, kept away from 0 and 1."""

import numpy as np

from fastlstm import checks

from ..foundation import settings
from ..foundation.arrays import Array


def normalize(p: Array) -> Array:
    """Divide by the sums over the last axis."""
    result: Array = p / np.add.reduce(p, axis=-1, keepdims=True)
    return result


def clip(p: Array) -> Array:
    """Keep away from 0 and 1, of which the logarithm, or its slope, is no number."""
    return np.clip(p, settings.epsilon(), 1 - settings.epsilon())


def inside(p: Array) -> Array:
    """Say where `clip` changes nothing."""
    return (p > settings.epsilon()) & (p < 1 - settings.epsilon())


def smoothed(labels: Array, smoothing: float, classes: int) -> Array:
    """Labels of which a part is spread evenly over the classes."""
    return labels * (1 - smoothing) + smoothing / classes if smoothing else labels


def check_last_axis(axis: int) -> None:
    """Raise unless the classes are to be on the last axis."""
    if checks.whole_number("axis", axis) != -1:
        checks.refuse(NotImplementedError, "axis", "-1, all that is supported", axis)
