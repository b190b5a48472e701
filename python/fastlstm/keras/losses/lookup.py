"""Finding a loss by its name, and writing one down."""

from collections.abc import Mapping
from typing import Any

from ..foundation.configs import Kind
from ..foundation.lookup import names_of
from .base import Loss
from .binary import BinaryCrossentropy
from .categorical import CategoricalCrossentropy
from .differences import Huber, MeanAbsoluteError, MeanSquaredError
from .function_loss import FunctionLoss
from .functions import FUNCTIONS
from .sparse_categorical import SparseCategoricalCrossentropy

_KNOWN = names_of(
    *(CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy),
    *(MeanSquaredError, MeanAbsoluteError, Huber),
    bce=BinaryCrossentropy,
    mse=MeanSquaredError,
    mae=MeanAbsoluteError,
)


_KIND = Kind(Loss, _KNOWN, "keras.losses", "loss")


def get(identifier: Any) -> Loss:
    """Return the loss that a name, class, instance or one of this module's functions stands for."""
    if any(identifier is function for function in FUNCTIONS):
        identifier = identifier.__name__
    if callable(identifier) and not isinstance(identifier, Loss | type):
        return FunctionLoss(identifier)
    return _KIND.get(identifier)


def serialize(loss: Loss) -> dict[str, Any]:
    """Return the description of a loss, which JSON can hold: module, class name and config."""
    return _KIND.serialize(loss)


def deserialize(config: Any, custom_objects: Mapping[str, type[Loss]] | None = None) -> Loss:
    """Make a loss from its description; classes of your own are found in `custom_objects`, by name."""
    return _KIND.deserialize(config, custom_objects)
