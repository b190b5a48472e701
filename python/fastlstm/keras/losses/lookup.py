"""Finding a loss by its name, and writing one down."""

from collections.abc import Mapping
from typing import Any

from ..foundation.configs import Kind
from ..foundation.lookup import names_of
from ..foundation.published import find_function, is_function, publish_functions
from ..foundation.registration import custom_object_scope, get_registered_object
from .alignment import CTC
from .angle import CosineSimilarity
from .base import Loss
from .binary import BinaryCrossentropy
from .categorical import CategoricalCrossentropy
from .differences import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError
from .distributions import KLDivergence, Poisson
from .focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from .function_loss import FunctionLoss
from .functions import FUNCTIONS
from .generalized import CategoricalGeneralizedCrossEntropy
from .hinges import CategoricalHinge, Hinge, SquaredHinge
from .overlaps import Dice, Tversky
from .relative import MeanAbsolutePercentageError, MeanSquaredLogarithmicError
from .sparse_categorical import SparseCategoricalCrossentropy

_KNOWN = names_of(
    *(CategoricalCrossentropy, SparseCategoricalCrossentropy, BinaryCrossentropy),
    *(BinaryFocalCrossentropy, CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy),
    *(MeanSquaredError, MeanAbsoluteError, Huber, LogCosh),
    *(MeanAbsolutePercentageError, MeanSquaredLogarithmicError, CosineSimilarity),
    *(Poisson, KLDivergence, Hinge, SquaredHinge, CategoricalHinge, Dice, Tversky, CTC),
    bce=BinaryCrossentropy,
    mse=MeanSquaredError,
    mae=MeanAbsoluteError,
    mape=MeanAbsolutePercentageError,
    msle=MeanSquaredLogarithmicError,
    kld=KLDivergence,
)


_KIND = Kind(Loss, _KNOWN, "keras.losses", "loss")
publish_functions({function.__name__: function for function in FUNCTIONS})


def get(identifier: Any) -> Loss:
    """Return the loss that a name, class, instance or one of this module's functions stands for."""
    if any(identifier is function for function in FUNCTIONS):
        identifier = identifier.__name__
    if isinstance(identifier, str) and identifier not in _KNOWN:
        identifier = get_registered_object(identifier) or identifier
    if callable(identifier) and not isinstance(identifier, Loss | type):
        return FunctionLoss(identifier)
    return deserialize(identifier) if is_function(identifier) else _KIND.get(identifier)


def serialize(loss: Loss) -> dict[str, Any]:
    """Return the description of a loss, which JSON can hold: module, class name and config."""
    return _KIND.serialize(loss)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Loss:
    """Make a loss from its description; classes of your own are found in `custom_objects`, by name."""
    with custom_object_scope(custom_objects):
        return get(find_function(config.get("config"), "loss")) if is_function(config) else _KIND.deserialize(config)
