"""Adam, and Adam with weight decay."""

import math
from typing import Any

from fastlstm import checks

from .group import Slot
from .moments import Moments
from .rule import Rule
from .schedules import LearningRate


class Adam(Moments):
    """``m`` and ``v`` follow ``g`` and ``g**2``; ``w -= rate_t * m / (sqrt(v) + epsilon)``.

    With ``rate_t = rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)`` at step t.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    beta_1, beta_2 : float
        How slowly `m` and `v` follow.
    epsilon : float
        Keeps the divisor from zero.
    amsgrad : bool
        Divide by the largest `v` so far.
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
    Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.Adam(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.1, 0.1]
    """

    zero_is_no_step = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self.amsgrad = checks.truth("amsgrad", amsgrad)
        largest = (Slot("velocity_hat"),) if self.amsgrad else ()
        self.slots = (Slot("momentum"), Slot("velocity", with_previous=True), *largest)

    def rule(self, rate: float) -> Rule:
        """See the class."""
        t = self.iterations + 1
        rate = rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        numbers = (rate, 1 - self.beta_1, 1 - self.beta_2, self.epsilon)
        return Rule("amsgrad" if self.amsgrad else "adam", numbers)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"amsgrad": self.amsgrad}


class AdamW(Adam):
    """`Adam` with a weight decay of 0.004 by default.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If an argument has another type.

    References
    ----------
    Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.AdamW(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.1, 0.1]
    """

    def __init__(
        self, learning_rate: LearningRate = 0.001, weight_decay: float = 0.004, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, *args, weight_decay=weight_decay, **kwargs)
