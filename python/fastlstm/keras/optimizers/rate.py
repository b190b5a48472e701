"""What `Optimizer.learning_rate` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .base import Optimizer
    from .schedules import LearningRate


class Rate(float):
    """The learning rate of an optimizer: a number, on which programs call what Keras' variable of it has.

    A copy, pickled or not, is a plain number.
    """

    optimizer: Optimizer

    @classmethod
    def of(cls, optimizer: Optimizer, value: float) -> Rate:
        """Return the rate that an optimizer has now."""
        rate = cls(value)
        rate.optimizer = optimizer
        return rate

    @property
    def value(self) -> float:
        """The number itself."""
        return float(self)

    def numpy(self) -> Any:
        """Return the number as one of NumPy's."""
        return np.float64(self)

    def assign(self, value: LearningRate) -> None:
        """Set the rate of the optimizer that this is from."""
        self.optimizer.learning_rate = value

    def __reduce__(self) -> Any:
        return float, (float(self),)
