"""Adam with steps as long as the weights are large."""

import math

import numpy as np

from ..foundation.arrays import Array
from .following import follow
from .group import Slot
from .moments import Moments
from .whole_variables import WholeVariables


class Lamb(WholeVariables, Moments):
    """``w -= rate * norm(w) / norm(u) * u`` with ``u = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) + epsilon)``.

    `m` and `v` follow ``g`` and ``g**2``. Where a norm is 0, their ratio is taken to be 1.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    beta_1, beta_2 : float
        How slowly `m` and `v` follow.
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
    You and others, Large Batch Optimization for Deep Learning: Training BERT in 76 minutes, ICLR 2020.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.Lamb(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.1, 0.1]
    """

    slots = (Slot("momentum"), Slot("velocity", with_previous=True))

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


def _norm(x: Array) -> float:
    return math.sqrt(float(np.sum(x * x)))
