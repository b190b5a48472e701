"""Follow the regularized leader."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .base import Optimizer
from .group import Slot
from .schedules import LearningRate

_STRENGTHS = ("l1_regularization_strength", "l2_regularization_strength", "l2_shrinkage_regularization_strength")


class Ftrl(Optimizer):
    """``z += g + 2 * s * w - (q_new - q) / rate * w``, then ``w = (clip(z, -l1, l1) - z) / (q_new / rate + 2 * l2)``.

    Here ``q = n**-power``, before and after ``n += g**2``; ``l2`` has ``beta / (2 * rate)`` added.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    learning_rate_power : float
        At most 0; 0 for steps that do not become shorter.
    initial_accumulator_value : float
        What `n` starts with.
    l1_regularization_strength, l2_regularization_strength : float
        Penalties; the first makes weights 0.
    l2_shrinkage_regularization_strength : float
        `s`: a penalty of size only, which counts as part of the gradient for `z` but not for `n`.
    beta : float
        As in the paper.
    **kwargs : keyword arguments
        Those of `Optimizer`.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If an argument has another type.

    References
    ----------
    McMahan and others, Ad Click Prediction: a View from the Trenches, KDD 2013.

    Examples
    --------
    >>> from fastlstm import keras
    >>> import numpy as np
    >>> w = keras.Variable(np.zeros(2))
    >>> optimizer = keras.optimizers.Ftrl(0.1)
    >>> optimizer.apply([np.array([1.0, -4.0])], [w])
    >>> w.numpy().round(4).tolist()
    [-0.0953, 0.0997]
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.learning_rate_power = checks.real_number("learning_rate_power", learning_rate_power, at_most=0)
        start = checks.real_number("initial_accumulator_value", initial_accumulator_value, at_least=0)
        self.initial_accumulator_value = start
        given = (l1_regularization_strength, l2_regularization_strength, l2_shrinkage_regularization_strength)
        for name, value in zip(_STRENGTHS, given, strict=True):
            setattr(self, name, checks.real_number(name, value, at_least=0))
        self.beta = checks.real_number("beta", beta, at_least=0)
        self.slots = (Slot("accumulator", start), Slot("linear", with_previous=True))

    def update(self, w: Array, g: Array, new: Array, scratch: Array, slots: list[Array], rate: float) -> None:
        """See the class."""
        if not rate > 0:
            checks.complain(ValueError, "learning_rate", "be above 0 in every step of Ftrl, which divides by it", rate)
        n, z = slots
        l1, l2, shrinkage = (getattr(self, name) for name in _STRENGTHS)
        np.power(n, -self.learning_rate_power, out=new)
        np.multiply(g, g, out=scratch)
        n += scratch
        np.power(n, -self.learning_rate_power, out=scratch)
        np.subtract(scratch, new, out=new)
        new *= w
        new /= rate
        z += g
        z -= new
        if shrinkage:
            z += 2 * shrinkage * w
        scratch /= rate
        scratch += 2 * l2 + self.beta / rate
        np.clip(z, -l1, l1, out=new)
        new -= z
        new /= scratch

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("learning_rate_power", "initial_accumulator_value", *_STRENGTHS, "beta")
        return super().get_config() | {name: getattr(self, name) for name in names}
