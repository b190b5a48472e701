"""Steps divided by the root of the sum of all squared gradients."""

from typing import Any

from fastlstm import checks

from .base import Optimizer
from .group import Slot
from .rule import Rule
from .schedules import LearningRate


class Adagrad(Optimizer):
    """``a += g**2`` and ``w -= rate * g / sqrt(a + epsilon)``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    initial_accumulator_value : float
        What `a` starts with.
    epsilon : float
        Keeps the divisor from zero; inside the root.
    **kwargs : keyword arguments
        Those of `Optimizer`.

    Raises
    ------
    ValueError
        If `learning_rate`, `initial_accumulator_value` or `epsilon` is out of range.
    TypeError
        If an argument has another type.

    References
    ----------
    Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization, JMLR 2011.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.Adagrad(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.0953, 0.0997]
    """

    zero_is_no_step = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        start = checks.real_number("initial_accumulator_value", initial_accumulator_value, at_least=0)
        self.initial_accumulator_value = start
        self.epsilon = checks.real_number("epsilon", epsilon, at_least=0)
        self.slots = (Slot("accumulator", start),)

    def rule(self, rate: float) -> Rule:
        """See the class."""
        return Rule("adagrad", (rate, self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("initial_accumulator_value", "epsilon")
        return super().get_config() | {name: getattr(self, name) for name in names}
