"""Gradient descent."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .base import Optimizer
from .group import Slot
from .schedules import LearningRate


class SGD(Optimizer):
    """Gradient descent: ``w -= rate * g``; with momentum, ``v = momentum * v - rate * g`` and ``w += v``.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    momentum
        From 0 to 1.
    nesterov
        Look ahead: ``w += momentum * v - rate * g``.
    **kwargs
        Those of `Optimizer`.
    """

    rests = True

    def __init__(
        self, learning_rate: LearningRate = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum = checks.fraction("momentum", momentum)
        self.nesterov = checks.truth("nesterov", nesterov)
        self.slots = (Slot("momentum"),) if self.momentum else ()

    def update(self, w: Array, g: Array, new: Array, scratch: Array, slots: list[Array], rate: float) -> None:
        """See the class."""
        np.multiply(g, rate, out=scratch)
        if not slots:
            np.subtract(w, scratch, out=new)
            return
        (v,) = slots
        v *= self.momentum
        v -= scratch
        if not self.nesterov:
            np.add(w, v, out=new)
            return
        np.subtract(w, scratch, out=new)
        np.multiply(v, self.momentum, out=scratch)
        new += scratch

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}
