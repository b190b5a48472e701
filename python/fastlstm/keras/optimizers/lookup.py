"""Finding an optimizer by its name, and writing one down."""

from collections.abc import Mapping
from typing import Any

from ..foundation.configs import Kind
from ..foundation.lookup import names_of
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .base import Optimizer
from .ftrl import Ftrl
from .lamb import Lamb
from .lion import Lion
from .nadam import Nadam
from .rmsprop import RMSprop
from .sgd import SGD

_CLASSES = (SGD, RMSprop, Adam, AdamW, Nadam, Adagrad, Adadelta, Adamax, Lion, Ftrl, Adafactor, Lamb)
_KNOWN = names_of(*_CLASSES, **{cls.__name__.lower(): cls for cls in _CLASSES})
_KIND = Kind(Optimizer, _KNOWN, "keras.optimizers", "optimizer")


def get(identifier: Any) -> Optimizer:
    """Return the optimizer that a name, class or instance stands for."""
    known = identifier.lower() if isinstance(identifier, str) else identifier
    return _KIND.get(known)


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Return the description of an optimizer, which JSON can hold: module, class name and config; not its state."""
    return _KIND.serialize(optimizer)


def deserialize(config: Any, custom_objects: Mapping[str, type[Optimizer]] | None = None) -> Optimizer:
    """Make an optimizer from its description; classes of your own are found in `custom_objects`, by name."""
    return _KIND.deserialize(config, custom_objects)
