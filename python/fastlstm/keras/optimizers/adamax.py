"""Adam with the largest gradient in place of the mean square."""

from .group import Slot
from .moments import Moments
from .rule import Rule


class Adamax(Moments):
    """``w -= rate / (1 - beta_1**t) * m / (u + epsilon)`` at step t: `m` follows `g`, ``u = max(beta_2 * u, |g|)``.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    beta_1 : float
        How slowly `m` follows.
    beta_2 : float
        How slowly `u` is forgotten.
    epsilon : float
        Keeps the divisor from zero.
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
    Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, section 7.1.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.Adamax(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.1, 0.1]
    """

    zero_is_no_step = True
    slots = (Slot("momentum"), Slot("norm", with_previous=True))

    def rule(self, rate: float) -> Rule:
        """See the class."""
        rate = rate / (1 - self.beta_1 ** (self.iterations + 1))
        return Rule("adamax", (rate, 1 - self.beta_1, self.beta_2, self.epsilon))
