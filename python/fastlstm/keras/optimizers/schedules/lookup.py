"""Schedules by name, and their descriptions."""

from collections.abc import Mapping
from typing import Any

from ...foundation.configs import Kind
from ...foundation.lookup import names_of
from .base import LearningRateSchedule
from .cosine import CosineDecay, CosineDecayRestarts
from .decays import ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay

_KIND = Kind(
    LearningRateSchedule,
    names_of(
        *(ExponentialDecay, InverseTimeDecay, PolynomialDecay, PiecewiseConstantDecay),
        *(CosineDecay, CosineDecayRestarts),
    ),
    "keras.optimizers.schedules",
    "learning_rate_schedule",
)


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """Return the description of a schedule, which JSON can hold: module, class name and config."""
    return _KIND.serialize(learning_rate_schedule)


def deserialize(
    config: Any, custom_objects: Mapping[str, type[LearningRateSchedule]] | None = None
) -> LearningRateSchedule:
    """Make a schedule from its description; classes of your own are found in `custom_objects`, by name."""
    return _KIND.deserialize(config, custom_objects)
