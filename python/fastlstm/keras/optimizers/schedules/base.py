"""What all schedules share."""

from typing import Any

from fastlstm import checks

from ...foundation.configs import Configurable
from ...foundation.lookup import checked_name


class LearningRateSchedule(Configurable):
    """A learning rate that depends on the number of steps done: ``schedule(step)``.

    Raises
    ------
    NotImplementedError
        It is called, and the class does not define `__call__`.

    Examples
    --------
    >>> from fastlstm import keras
    >>> class Steps(keras.optimizers.schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 if step < 100 else 0.01
    ...
    >>> keras.optimizers.SGD(Steps()).learning_rate
    0.1
    """

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step)")


def checked_step(step: Any) -> float:
    """`step` if it can be a number of steps done."""
    return checks.real_number("step", step, at_least=0)


def schedule_name(name: Any, owner: LearningRateSchedule, default: str = "") -> str:
    """Return what a schedule is called; by default as its class."""
    return checked_name(name, type(owner).__name__) or default or type(owner).__name__
