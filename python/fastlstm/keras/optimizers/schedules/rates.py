"""What an optimizer takes for its learning rate: a number, a schedule, or a function."""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from fastlstm import checks

from .base import LearningRateSchedule

LearningRate: TypeAlias = float | LearningRateSchedule | Callable[..., float]


def checked_rate(value: Any) -> Any:
    """`value` if it can be a learning rate."""
    if isinstance(value, type):
        checks.refuse(TypeError, "learning_rate", "a number, a schedule or a function, not a class", value)
    return value if callable(value) else checks.real_number("learning_rate", value, at_least=0)


def rate_at(rate: Any, step: int) -> float:
    """Return the learning rate after `step` steps."""
    if isinstance(rate, float):
        return rate
    if isinstance(rate, LearningRateSchedule) or inspect.signature(rate).parameters:
        return float(rate(step))
    return float(rate())
