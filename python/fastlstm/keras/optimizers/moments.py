"""What optimizers of Adam's kind share: how slowly two averages of the gradients follow."""

from typing import Any

from fastlstm import checks

from .base import Optimizer
from .schedules import LearningRate


class Moments(Optimizer):
    """Base of optimizers with averages of the gradients, and of their squares or sizes.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        See `Optimizer`.
    beta_1, beta_2 : float
        How slowly the first and the second average follow.
    epsilon : float
        Keeps the divisor from zero.
    **kwargs : keyword arguments
        Those of `Optimizer`.
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

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {name: getattr(self, name) for name in ("beta_1", "beta_2", "epsilon")}
