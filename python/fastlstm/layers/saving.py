"""Layers in files of the native format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from fastlstm import checks, precisions
from fastlstm.files.bundle import Bundle

from .cells import GRUCell, LSTMCell, RNNCell
from .chains import Chain
from .dropout import Dropout
from .elementwise import LeakyReLU, ReLU, Sigmoid, Tanh
from .embedding import Embedding
from .gru import GRU
from .layer import Layer
from .linear import Linear
from .lstm import LSTM
from .normalization import BatchNorm1d, LayerNorm
from .over_time import FinalHidden, LastStep, LastValidStep, MaxOverTime, MeanOverTime
from .quantizable import Quantizable
from .rnn import RNN
from .sizes import named_arrays
from .softmax import LogSoftmax, Softmax

_CLASSES: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        *(GRU, LSTM, RNN, GRUCell, LSTMCell, RNNCell, Linear, Embedding, LayerNorm, BatchNorm1d, Dropout, Chain),
        *(ReLU, LeakyReLU, Sigmoid, Tanh, Softmax, LogSoftmax),
        *(FinalHidden, LastStep, LastValidStep, MaxOverTime, MeanOverTime),
    )
}
_KEYS = ("class", "arguments")
_PRECISION = "precision"
"""What only quantized layers have beside `_KEYS`."""
_DEEPEST = 20  # chains within chains


def layer_of(bundle: Bundle, owner: str) -> Any:
    """Make the layer that a bundle describes.

    Parameters
    ----------
    bundle : Bundle
        What `Layer.save` wrote.
    owner : str
        Name of the file, for errors.
    """
    described, keys = bundle.description, ("kind", *_KEYS)
    if described.keys() - {_PRECISION} != {*keys}:
        checks.refuse(ValueError, f"{owner}: the description", f"an object of {', '.join(keys)}", described)
    return _made({key: value for key, value in described.items() if key != "kind"}, bundle.arrays, owner, 0)


def _made(described: Any, arrays: Mapping[str, NDArray[Any]], owner: str, depth: int) -> Layer:
    """Make a layer, `depth` chains deep."""
    if not isinstance(described, dict) or described.keys() - {_PRECISION} != {*_KEYS}:
        checks.refuse(ValueError, owner, f"an object of {', '.join(_KEYS)}", described)
    cls = _CLASSES[checks.one_of(f"{owner}: class", described["class"], _CLASSES)]
    arguments = checks.settings(f"{owner}: arguments", described["arguments"])
    if cls is Chain and _PRECISION not in described:
        return _made_chain(arguments, arrays, owner, depth)
    known = cls._arguments(without=("seed",))
    if arguments.keys() != {*known}:
        wanted = f"an object of {', '.join(known)}" if known else "an empty object"
        checks.refuse(ValueError, f"{owner}: arguments", wanted, arguments)
    try:
        return cls._restored(arguments, arrays, _precision_of(cls, described))
    except (ValueError, TypeError) as error:
        raise checks.named(error, owner) from error


def _precision_of(cls: type[Layer], described: Mapping[str, Any]) -> str | None:
    """Return what a quantized layer is described to have; None: it is none."""
    if _PRECISION not in described:
        return None
    if not issubclass(cls, Quantizable):
        checks.refuse(ValueError, _PRECISION, f"left out for a {cls.__name__}", described[_PRECISION])
    precision: str = checks.one_of(_PRECISION, described[_PRECISION], precisions.NAMES)
    return precision


def _made_chain(pieces: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], owner: str, depth: int) -> Layer:
    if depth >= _DEEPEST:
        checks.complain(ValueError, owner, f"hold at most {_DEEPEST} chains within each other", "more")
    unknown = [name for name in arrays if name.partition(".")[0] not in pieces]
    if unknown:
        checks.complain(ValueError, owner, f"hold arrays of {', '.join(pieces)}", checks.shown(unknown))
    made = {
        name: _made(described, named_arrays(arrays, f"{name}."), f"{owner}: {name}", depth + 1)
        for name, described in pieces.items()
    }
    try:
        return Chain(**made)
    except (ValueError, TypeError) as error:
        raise checks.named(error, owner) from error
