"""Layers in files of the native format."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from fastlstm import checks
from fastlstm.files.bundle import Bundle

from .gru import GRU
from .lstm import LSTM
from .rnn import RNN
from .sizes import OF_PARAMETERS

if TYPE_CHECKING:
    from .base import Recurrent

_CLASSES: dict[str, type[Recurrent]] = {"GRU": GRU, "LSTM": LSTM, "RNN": RNN}
_KEYS = ("kind", "class", "arguments")


def layer_of(bundle: Bundle, owner: str) -> Any:
    """Make the layer that a bundle describes.

    Parameters
    ----------
    bundle
        What `Recurrent.save` wrote.
    owner
        Name of the file, for errors.
    """
    description = bundle.description
    if description.keys() != {*_KEYS}:
        checks.refuse(ValueError, f"{owner}: the description", f"an object of {', '.join(_KEYS)}", description)
    cls = _CLASSES[checks.one_of(f"{owner}: class", description["class"], _CLASSES)]
    arguments = checks.settings(f"{owner}: arguments", description["arguments"])
    known = [name for name in inspect.signature(cls).parameters if name != "seed"]
    if arguments.keys() != {*known}:
        checks.refuse(ValueError, f"{owner}: arguments", f"an object of {', '.join(known)}", arguments)
    try:
        options = {name: value for name, value in arguments.items() if name not in OF_PARAMETERS}
        layer = cls.from_state_dict(bundle.arrays, **options)
    except (ValueError, TypeError) as error:
        raise checks.named(error, owner) from error
    for name in OF_PARAMETERS:
        if name in arguments and arguments[name] != getattr(layer, name):
            must = f"be {getattr(layer, name)}, as the parameters have it"
            checks.complain(ValueError, f"{owner}: {name}", must, checks.shown(arguments[name]))
    return layer
