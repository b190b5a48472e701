"""Learning rates that depend on the number of steps done."""

from .base import LearningRateSchedule
from .cosine import CosineDecay, CosineDecayRestarts
from .decays import ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay
from .lookup import deserialize, serialize
from .rates import LearningRate, checked_rate, rate_at

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRate",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "checked_rate",
    "deserialize",
    "rate_at",
    "serialize",
]
