"""Rates that fall by a formula, or in steps."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from fastlstm import checks

from .base import LearningRateSchedule, checked_step, schedule_name


class _Decay(LearningRateSchedule):
    """A rate that falls with the number of units of steps that are done."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = checks.real_number("initial_learning_rate", initial_learning_rate, at_least=0)
        self.decay_steps = checks.real_number("decay_steps", decay_steps, above=0)
        self.decay_rate = checks.real_number("decay_rate", decay_rate, at_least=0)
        self.staircase = checks.truth("staircase", staircase)
        self.name = schedule_name(name, self)

    def _units(self, step: int) -> float:
        units = checked_step(step) / self.decay_steps
        return math.floor(units) if self.staircase else units


class ExponentialDecay(_Decay):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
        Rate at step 0.
    decay_steps : float
        After so many steps it is multiplied by `decay_rate`.
    decay_rate : float
        The factor.
    staircase : bool
        Change only at whole multiples of `decay_steps`.
    name : str
        Kept, and used for nothing.

    Raises
    ------
    ValueError
        If `initial_learning_rate`, `decay_steps` or `decay_rate` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras.optimizers.schedules import ExponentialDecay
    >>> [ExponentialDecay(1.0, 2, 0.25)(step) for step in (0, 1, 2)]
    [1.0, 0.5, 0.25]
    """

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        return float(self.initial_learning_rate * self.decay_rate ** self._units(step))


class InverseTimeDecay(_Decay):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
        Rate at step 0.
    decay_steps : float
        Unit in which `decay_rate` counts the steps.
    decay_rate : float
        How much the divisor grows in a unit.
    staircase : bool
        Change only at whole multiples of `decay_steps`.
    name : str
        Kept, and used for nothing.

    Raises
    ------
    ValueError
        If `initial_learning_rate`, `decay_steps` or `decay_rate` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras.optimizers.schedules import InverseTimeDecay
    >>> [InverseTimeDecay(1.0, 2, 1.0)(step) for step in (0, 2, 6)]
    [1.0, 0.5, 0.25]
    """

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        return self.initial_learning_rate / (1 + self.decay_rate * self._units(step))


class PolynomialDecay(LearningRateSchedule):
    """``end + (initial - end) * (1 - step / decay_steps) ** power``, and `end` from `decay_steps` on.

    Parameters
    ----------
    initial_learning_rate : float
        Rate at step 0.
    decay_steps : float
        Steps until the end.
    end_learning_rate : float
        Rate there.
    power : float
        1 for a straight line.
    cycle : bool
        Go on after the end: `decay_steps` becomes the smallest multiple of it that is no less than `step`.
    name : str, optional
        Kept, and used for nothing.

    Raises
    ------
    ValueError
        If `initial_learning_rate`, `decay_steps`, `end_learning_rate` or `power` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras.optimizers.schedules import PolynomialDecay
    >>> [PolynomialDecay(1.0, 4, 0.0, power=2.0)(step) for step in (0, 2, 9)]
    [1.0, 0.25, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = checks.real_number("initial_learning_rate", initial_learning_rate, at_least=0)
        self.decay_steps = checks.real_number("decay_steps", decay_steps, above=0)
        self.end_learning_rate = checks.real_number("end_learning_rate", end_learning_rate, at_least=0)
        self.power = checks.real_number("power", power, at_least=0)
        self.cycle = checks.truth("cycle", cycle)
        self.name = schedule_name(name, self)

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        done, steps = checked_step(step), self.decay_steps
        if self.cycle:
            steps *= max(1, math.ceil(done / steps))
        left = 1 - min(done, steps) / steps
        height = self.initial_learning_rate - self.end_learning_rate
        return float(height * left**self.power + self.end_learning_rate)


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[0]`` up to step ``boundaries[0]``, that one included, ``values[1]`` up to the next, and so on.

    Parameters
    ----------
    boundaries : sequence of float
        Rising numbers of steps.
    values : sequence of float
        Rates, one more than boundaries.
    name : str, optional
        Kept, and used for nothing.

    Raises
    ------
    ValueError
        If `boundaries` or `values` has another form.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras.optimizers.schedules import PiecewiseConstantDecay
    >>> [PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.1])(step) for step in (0, 2, 3, 5)]
    [1.0, 1.0, 0.5, 0.1]
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str | None = "PiecewiseConstant"
    ) -> None:
        self.boundaries = _numbers("boundaries", boundaries)
        self.values = _numbers("values", values)
        if len(self.values) != len(self.boundaries) + 1:
            wanted = f"hold one number more than boundaries, {len(self.boundaries) + 1}"
            checks.complain(ValueError, "values", wanted, len(self.values))
        if self.boundaries != sorted(set(self.boundaries)):
            checks.refuse(ValueError, "boundaries", "rising numbers", boundaries)
        self.name = schedule_name(name, self, "PiecewiseConstant")

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        return float(self.values[bisect_left(self.boundaries, checked_step(step))])


def _numbers(name: str, value: Any) -> list[float]:
    """`value` as a list of numbers of at least 0; whole numbers stay such."""
    found = checks.items(name, value, "a list of numbers of at least 0")
    for number in found:
        checks.real_number(f"{name}: each", number, at_least=0)
    return found
