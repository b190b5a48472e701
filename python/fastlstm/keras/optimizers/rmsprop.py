"""Steps divided by the root of the mean square of the gradients."""

from typing import Any

from fastlstm import checks

from .base import Optimizer
from .group import Slot
from .rule import Rule
from .schedules import LearningRate


class RMSprop(Optimizer):
    """``v = rho * v + (1 - rho) * g**2`` and ``w -= rate * g / sqrt(v + epsilon)``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    rho : float
        How slowly `v` follows.
    momentum : float
        Above 0, the steps are gathered: ``m = momentum * m + step`` and ``w -= m``.
    epsilon : float
        Keeps the divisor from zero; inside the root.
    centered : bool
        Take the square of the mean gradient off `v`.
    **kwargs : keyword arguments
        Those of `Optimizer`.

    Raises
    ------
    ValueError
        If `learning_rate`, `rho`, `momentum` or `epsilon` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.RMSprop(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.3162, 0.3162]
    """

    zero_is_no_step = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum = checks.fraction("rho", rho), checks.fraction("momentum", momentum)
        self.epsilon = checks.real_number("epsilon", epsilon, at_least=0)
        self.centered = checks.truth("centered", centered)
        wanted = {"velocity": True, "momentum": self.momentum > 0, "average_gradient": self.centered}
        self.slots = tuple(Slot(name) for name, there in wanted.items() if there)

    def rule(self, rate: float) -> Rule:
        """See the class."""
        name = "rmsprop" + "_centered" * self.centered + "_momentum" * (self.momentum > 0)
        numbers = (rate, 1 - self.rho, self.epsilon)
        return Rule(name, (*numbers, self.momentum) if self.momentum else numbers)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("rho", "momentum", "epsilon", "centered")
        return super().get_config() | {name: getattr(self, name) for name in names}
