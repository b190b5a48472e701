"""Learning rates: numbers, schedules, and functions."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from fastlstm import checks

from ..foundation.configs import Configurable, Kind
from ..foundation.lookup import checked_name, names_of


class LearningRateSchedule(Configurable):
    """A learning rate that depends on the number of steps done: ``schedule(step)``."""

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate
        Rate at step 0.
    decay_steps
        After so many steps it is multiplied by `decay_rate`.
    decay_rate
        The factor.
    staircase
        Change only at whole multiples of `decay_steps`.
    name
        Kept, and used for nothing.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = checks.real_number("initial_learning_rate", initial_learning_rate, at_least=0)
        self.decay_steps = checks.real_number("decay_steps", decay_steps, above=0)
        self.decay_rate = checks.real_number("decay_rate", decay_rate, at_least=0)
        self.staircase = checks.truth("staircase", staircase)
        self.name = checked_name(name, type(self).__name__) or type(self).__name__

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        power = checks.real_number("step", step, at_least=0) / self.decay_steps
        return float(self.initial_learning_rate * self.decay_rate ** (math.floor(power) if self.staircase else power))


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate
        Rate at step 0.
    decay_steps
        After so many steps the divisor has grown by `decay_rate`.
    decay_rate
        Growth of the divisor.
    staircase
        Change only at whole multiples of `decay_steps`.
    name
        Kept, and used for nothing.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = checks.real_number("initial_learning_rate", initial_learning_rate, at_least=0)
        self.decay_steps = checks.real_number("decay_steps", decay_steps, above=0)
        self.decay_rate = checks.real_number("decay_rate", decay_rate, at_least=0)
        self.staircase = checks.truth("staircase", staircase)
        self.name = checked_name(name, type(self).__name__) or type(self).__name__

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        done = checks.real_number("step", step, at_least=0) / self.decay_steps
        growth = self.decay_rate * (math.floor(done) if self.staircase else done)
        return float(self.initial_learning_rate / (1 + growth))


class CosineDecay(LearningRateSchedule):
    """From the initial rate along a half cosine down to ``alpha`` times it.

    Parameters
    ----------
    initial_learning_rate
        Rate at step 0.
    decay_steps
        Steps until the end of the descent.
    alpha
        Part of the initial rate that stays.
    name
        Kept, and used for nothing.
    """

    keras_only: ClassVar[Mapping[str, Any]] = {"warmup_target": None, "warmup_steps": 0}

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, alpha: float = 0.0, name: str | None = "CosineDecay"
    ) -> None:
        self.initial_learning_rate = checks.real_number("initial_learning_rate", initial_learning_rate, at_least=0)
        self.decay_steps = checks.real_number("decay_steps", decay_steps, above=0)
        self.alpha = checks.real_number("alpha", alpha, at_least=0)
        self.name = checked_name(name, type(self).__name__) or type(self).__name__

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        done = min(checks.real_number("step", step, at_least=0), self.decay_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * done / self.decay_steps))
        return float(self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha))


_KIND = Kind(
    LearningRateSchedule,
    names_of(ExponentialDecay, InverseTimeDecay, CosineDecay),
    "keras.optimizers.schedules",
    "learning_rate_schedule",
)


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """Return the description of a schedule, which JSON can hold: module, class name and config."""
    return _KIND.serialize(learning_rate_schedule)


def deserialize(
    config: Any, custom_objects: Mapping[str, type[LearningRateSchedule]] | None = None
) -> LearningRateSchedule:
    """Make a schedule from its description; classes of your own are found in `custom_objects`, by name."""
    return _KIND.deserialize(config, custom_objects)


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
