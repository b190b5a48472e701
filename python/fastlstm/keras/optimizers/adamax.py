"""Adam with the largest gradient in place of the mean square."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .base import Optimizer
from .following import follow
from .group import Slot
from .schedules import LearningRate


class Adamax(Optimizer):
    """``w -= rate / (1 - beta_1**t) * m / (u + epsilon)`` at step t: `m` follows `g`, ``u = max(beta_2 * u, |g|)``.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_1
        How slowly `m` follows.
    beta_2
        How slowly `u` is forgotten.
    epsilon
        Keeps the divisor from zero.
    **kwargs
        Those of `Optimizer`.

    References
    ----------
    Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, section 7.1.
    """

    rests = True

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
        self.slots = (Slot("momentum"), Slot("norm", with_previous=True))

    def update(self, w: Array, g: Array, new: Array, scratch: Array, slots: list[Array], rate: float) -> None:
        """See the class."""
        m, u = slots
        np.copyto(scratch, g)
        follow(m, scratch, self.beta_1)
        np.abs(g, out=scratch)
        u *= self.beta_2
        np.maximum(u, scratch, out=u)
        np.add(u, self.epsilon, out=scratch)
        np.divide(m, scratch, out=scratch)
        scratch *= rate / (1 - self.beta_1 ** (self.iterations + 1))
        np.subtract(w, scratch, out=new)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("beta_1", "beta_2", "epsilon")}
