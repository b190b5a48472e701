"""Adam with steps as long as the weights are large."""

import math
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .following import follow
from .group import Slot
from .schedules import LearningRate
from .whole_variables import WholeVariables


class Lamb(WholeVariables):
    """``w -= rate * norm(w) / norm(u) * u`` with ``u = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) + epsilon)``.

    `m` and `v` follow ``g`` and ``g**2``. Where a norm is 0, their ratio is taken to be 1.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_1, beta_2
        How slowly `m` and `v` follow.
    epsilon
        Keeps the divisor from zero.
    **kwargs
        Those of `Optimizer`.

    References
    ----------
    You and others, Large Batch Optimization for Deep Learning: Training BERT in 76 minutes, ICLR 2020.
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = checks.real_number("beta_1", beta_1, at_least=0, below=1)
        self.beta_2 = checks.real_number("beta_2", beta_2, at_least=0, below=1)
        self.epsilon = checks.real_number("epsilon", epsilon, at_least=0)
        self.slots = (Slot("momentum"), Slot("velocity", with_previous=True))

    def stepped(self, w: Array, g: Array, slots: list[Array], rate: float) -> Array:
        """See the class."""
        m, v = slots
        t = self.iterations + 1
        follow(m, g.copy(), self.beta_1)
        follow(v, g * g, self.beta_2)
        u = m / ((1 - self.beta_1**t) * (np.sqrt(v / (1 - self.beta_2**t)) + self.epsilon))
        of_w, of_u = _norm(w), _norm(u)
        result: Array = w - u * (rate * (of_w / of_u if of_w > 0 and of_u > 0 else 1.0))
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("beta_1", "beta_2", "epsilon")}


def _norm(x: Array) -> float:
    return math.sqrt(float(np.sum(x * x)))
