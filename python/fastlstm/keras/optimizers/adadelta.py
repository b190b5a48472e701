"""Steps as long as earlier ones, relative to the gradients."""

from typing import Any

from fastlstm import checks

from .base import Optimizer
from .group import Slot
from .rule import Rule
from .schedules import LearningRate


class Adadelta(Optimizer):
    """``w -= rate * d`` with ``d = g * sqrt(u + epsilon) / sqrt(v + epsilon)``; `v`, `u` follow ``g**2``, ``d**2``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`; 1 is what the paper has.
    rho : float
        How slowly `v` and `u` follow.
    epsilon : float
        Keeps divisor and first steps from zero.
    **kwargs : keyword arguments
        Those of `Optimizer`.

    Raises
    ------
    ValueError
        If `learning_rate`, `rho` or `epsilon` is out of range.
    TypeError
        If an argument has another type.

    References
    ----------
    Zeiler, ADADELTA: An Adaptive Learning Rate Method, arXiv 1212.5701, 2012.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.Adadelta(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.0001, 0.0001]
    """

    zero_is_no_step = True

    def __init__(
        self, learning_rate: LearningRate = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = checks.fraction("rho", rho)
        self.epsilon = checks.real_number("epsilon", epsilon, at_least=0)
        self.slots = (Slot("accumulated_grad"), Slot("accumulated_delta_var", with_previous=True))

    def rule(self, rate: float) -> Rule:
        """See the class."""
        return Rule("adadelta", (rate, 1 - self.rho, self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"rho": self.rho, "epsilon": self.epsilon}
