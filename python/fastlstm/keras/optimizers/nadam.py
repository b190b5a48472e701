"""Adam that looks ahead, as Nesterov's momentum does."""

import math

import numpy as np

from .group import Slot
from .moments import Moments
from .rule import Rule

_WARM_UP = np.cumprod(1 - 0.5 * 0.96 ** np.arange(1, 1001))
"""Product of ``1 - 0.96**i / 2`` over the first steps; later factors are 1."""


class Nadam(Moments):
    """``w -= rate * (b_next * m / (1 - p_next) + (1 - b) * g / (1 - p)) / (sqrt(v / (1 - beta_2**t)) + epsilon)``.

    `m` and `v` follow ``g`` and ``g**2``. At step t, ``b = beta_1 * (1 - 0.96**t / 2)`` and `p` is the product of
    all `b` so far; `b_next` and `p_next` are those of the step after.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    beta_1, beta_2 : float
        How slowly `m` and `v` follow.
    epsilon : float
        Keeps the divisor from zero.
    **kwargs : keyword arguments
        Those of `Optimizer`.

    Raises
    ------
    ValueError
        If `learning_rate`, `beta_1`, `beta_2` or `epsilon` is out of range.
    TypeError
        If an argument has another type.

    References
    ----------
    Dozat, Incorporating Nesterov Momentum into Adam, ICLR Workshop 2016.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.Nadam(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.1063, 0.1063]
    """

    zero_is_no_step = True
    slots = (Slot("momentum"), Slot("velocity", with_previous=True))

    def _product(self, steps: int) -> float:
        """Return that of `b` over the first steps."""
        warm_up = float(_WARM_UP[min(steps, len(_WARM_UP)) - 1]) if steps else 1.0
        return float(self.beta_1**steps * warm_up)

    def rule(self, rate: float) -> Rule:
        """See the class."""
        t = self.iterations + 1
        b, b_next = (self.beta_1 * (1 - 0.5 * 0.96**step) for step in (t, t + 1))
        of_m, of_g = b_next / (1 - self._product(t + 1)), (1 - b) / (1 - self._product(t))
        of_root = 1 / math.sqrt(1 - self.beta_2**t)
        return Rule("nadam", (rate, 1 - self.beta_1, 1 - self.beta_2, self.epsilon, of_m, of_g, of_root))

    def derived_state(self) -> list[float]:
        """Return the product of `b` over the steps done."""
        return [self._product(self.iterations)]
