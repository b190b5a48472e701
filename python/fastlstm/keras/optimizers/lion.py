"""Steps of one length, in the direction of the momentum."""

from typing import Any

from fastlstm import checks

from .base import Optimizer
from .group import Slot
from .rule import Rule
from .schedules import LearningRate


class Lion(Optimizer):
    """``w -= rate * sign(beta_1 * m + (1 - beta_1) * g)``, then ``m = beta_2 * m + (1 - beta_2) * g``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`; 3 to 10 times smaller than that of Adam.
    beta_1 : float
        How much of the momentum the direction takes; above 0.
    beta_2 : float
        How slowly `m` follows.
    **kwargs : keyword arguments
        Those of `Optimizer`.

    Raises
    ------
    ValueError
        If `learning_rate`, `beta_1` or `beta_2` is out of range.
    TypeError
        If an argument has another type.

    References
    ----------
    Chen and others, Symbolic Discovery of Optimization Algorithms, NeurIPS 2023.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.Lion(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.1, 0.1]
    """

    zero_is_no_step = True

    def __init__(
        self, learning_rate: LearningRate = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = checks.real_number("beta_1", beta_1, above=0, at_most=1)
        self.beta_2 = checks.real_number("beta_2", beta_2, at_least=0, at_most=1)
        self.slots = (Slot("momentum"),)

    def rule(self, rate: float) -> Rule:
        """See the class."""
        return Rule("lion", (rate, self.beta_1, 1 - self.beta_1, self.beta_2, 1 - self.beta_2))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"beta_1": self.beta_1, "beta_2": self.beta_2}
