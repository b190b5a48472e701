"""Optimizers with Keras' formulas, and learning-rate schedules.

All weights of one dtype are updated together, as one flat array in blocks that stay in cache.
"""

from . import schedules
from .adam import Adam, AdamW
from .base import Optimizer
from .lookup import deserialize, get, serialize
from .rmsprop import RMSprop
from .schedules import CosineDecay, ExponentialDecay, LearningRate, LearningRateSchedule
from .sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "CosineDecay",
    "ExponentialDecay",
    "LearningRate",
    "LearningRateSchedule",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
