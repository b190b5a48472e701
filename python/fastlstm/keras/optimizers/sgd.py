"""Gradient descent."""

from typing import Any

from fastlstm import checks

from .base import Optimizer
from .group import Slot
from .rule import Rule
from .schedules import LearningRate


class SGD(Optimizer):
    """Gradient descent: ``w -= rate * g``; with momentum, ``v = momentum * v - rate * g`` and ``w += v``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    momentum : float
        From 0 to 1.
    nesterov : bool
        Look ahead: ``w += momentum * v - rate * g``.
    **kwargs : keyword arguments
        Those of `Optimizer`.

    Raises
    ------
    ValueError
        If `learning_rate` or `momentum` is out of range.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.SGD(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.1, 0.4]
    """

    zero_is_no_step = True

    def __init__(
        self, learning_rate: LearningRate = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum = checks.fraction("momentum", momentum)
        self.nesterov = checks.truth("nesterov", nesterov)
        self.slots = (Slot("momentum"),) if self.momentum else ()

    def rule(self, rate: float) -> Rule:
        """See the class."""
        if not self.slots:
            return Rule("sgd", (rate,))
        return Rule("sgd_nesterov" if self.nesterov else "sgd_momentum", (rate, self.momentum))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}
