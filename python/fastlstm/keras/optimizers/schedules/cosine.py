"""Rates that fall along half cosines."""

import math

from fastlstm import checks

from .base import LearningRateSchedule, checked_step, schedule_name


class CosineDecay(LearningRateSchedule):
    """From the initial rate along a half cosine down to ``alpha`` times it; before that, a straight line up if wanted.

    Parameters
    ----------
    initial_learning_rate : float
        Rate at step 0.
    decay_steps : float
        Steps until the end of the descent.
    alpha : float
        Part of the rate that stays.
    name : str, optional
        Kept, and used for nothing.
    warmup_target : float, optional
        Rate at which the descent begins, after `warmup_steps`; None: it begins with the initial one at once.
    warmup_steps : int
        Steps of the line from the initial rate to it.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras.optimizers.schedules import CosineDecay
    >>> [CosineDecay(0.0, 4, warmup_target=1.0, warmup_steps=2)(step) for step in (0, 1, 2, 4, 6)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = checks.real_number("initial_learning_rate", initial_learning_rate, at_least=0)
        self.decay_steps = checks.real_number("decay_steps", decay_steps, above=0)
        self.alpha = checks.real_number("alpha", alpha, at_least=0)
        self.name = schedule_name(name, self)
        if warmup_target is not None:
            warmup_target = checks.real_number("warmup_target", warmup_target, at_least=0)
        self.warmup_target = warmup_target
        self.warmup_steps = checks.whole_number("warmup_steps", warmup_steps, at_least=0)

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        done, start = checked_step(step), self.initial_learning_rate
        if self.warmup_target is None:
            return start * _half_cosine(done / self.decay_steps, self.alpha)
        if done < self.warmup_steps:
            return start + (self.warmup_target - start) * done / self.warmup_steps
        return self.warmup_target * _half_cosine((done - self.warmup_steps) / self.decay_steps, self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines from the initial rate down to ``alpha`` times it, one after the other.

    Parameters
    ----------
    initial_learning_rate : float
        Rate at step 0.
    first_decay_steps : float
        Steps of the first half cosine.
    t_mul : float
        How many times longer each one is than the one before; at least 1.
    m_mul : float
        How many times higher each one begins than the one before.
    alpha : float
        Part of the initial rate that stays.
    name : str, optional
        Kept, and used for nothing.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If an argument has another type.

    References
    ----------
    Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.

    Examples
    --------
    >>> from fastlstm.keras.optimizers.schedules import CosineDecayRestarts
    >>> [CosineDecayRestarts(1.0, 2, m_mul=0.5)(step) for step in (0, 1, 2, 4)]
    [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = checks.real_number("initial_learning_rate", initial_learning_rate, at_least=0)
        self.first_decay_steps = checks.real_number("first_decay_steps", first_decay_steps, above=0)
        self.t_mul = checks.real_number("t_mul", t_mul, at_least=1)
        self.m_mul = checks.real_number("m_mul", m_mul, at_least=0)
        self.alpha = checks.real_number("alpha", alpha, at_least=0)
        self.name = schedule_name(name, self, "SGDRDecay")

    def __call__(self, step: int) -> float:
        """Return the rate after `step` steps."""
        restarts, part = self._phase(checked_step(step) / self.first_decay_steps)
        cosine = self.m_mul**restarts * 0.5 * (1 + math.cos(math.pi * part))
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)

    def _phase(self, done: float) -> tuple[int, float]:
        """Return how many half cosines are over, and how far the next one is, after `done` lengths of the first."""
        if self.t_mul == 1:
            return int(done), done % 1
        restarts, length = 0, 1.0
        while done >= length:
            done -= length
            length *= self.t_mul
            restarts += 1
        return restarts, done / length


def _half_cosine(part: float, alpha: float) -> float:
    """Return 1 at the begin, and `alpha` from the end on."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(part, 1.0)))
    return (1 - alpha) * cosine + alpha
