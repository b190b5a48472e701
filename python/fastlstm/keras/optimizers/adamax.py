"""Adam with the largest gradient in place of the mean square."""

import numpy as np

from ..foundation.arrays import Array
from .following import follow
from .group import Slot
from .moments import Moments


class Adamax(Moments):
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
    slots = (Slot("momentum"), Slot("norm", with_previous=True))

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
