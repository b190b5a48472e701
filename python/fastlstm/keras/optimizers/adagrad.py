"""Steps divided by the root of the sum of all squared gradients."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .base import Optimizer
from .group import Slot
from .schedules import LearningRate


class Adagrad(Optimizer):
    """``a += g**2`` and ``w -= rate * g / sqrt(a + epsilon)``.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    initial_accumulator_value
        What `a` starts with.
    epsilon
        Keeps the divisor from zero; inside the root.
    **kwargs
        Those of `Optimizer`.

    References
    ----------
    Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization, JMLR 2011.
    """

    rests = True

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

    def update(self, w: Array, g: Array, new: Array, scratch: Array, slots: list[Array], rate: float) -> None:
        """See the class."""
        (total,) = slots
        np.multiply(g, g, out=scratch)
        total += scratch
        np.add(total, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        np.subtract(w, scratch, out=new)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("initial_accumulator_value", "epsilon")
        return super().get_config() | {name: getattr(self, name) for name in names}
