"""Finding an optimizer by its name."""

from typing import Any

from ..foundation.lookup import find, names_of
from .adam import Adam, AdamW
from .base import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

_KNOWN = names_of(SGD, RMSprop, Adam, AdamW, sgd=SGD, rmsprop=RMSprop, adam=Adam, adamw=AdamW)


def get(identifier: Any) -> Optimizer:
    """Return the optimizer that a name, class or instance stands for."""
    known = identifier.lower() if isinstance(identifier, str) else identifier
    return find(known, _KNOWN, Optimizer, "optimizer")
