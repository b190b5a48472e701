"""A layer or an operation called on symbolic tensors, as a config says."""

from __future__ import annotations

from typing import Any

from fastlstm import checks

from ..foundation.lookup import of_this_package
from ..foundation.symbolic import SymbolicTensor, any_symbolic
from ..foundation.trees import leaves
from ..layers.base import Layer
from ..layers.call_arguments import FIRST
from ..layers.recurrent.bidirectional import Bidirectional
from ..layers.recurrent.rnn import RNN

_KNOWN = ("mask", "training", "initial_state")
"""Arguments of the calls of layers in this package."""


def call_as_said(layer: Any, args: list[Any], kwargs: dict[str, Any], argument: str) -> None:
    """Call a layer on symbolic tensors; `argument` is what errors call the call."""
    if not any_symbolic(args, kwargs):
        checks.complain(ValueError, argument, "be on the outputs of other layers", "none among its arguments")
    if isinstance(layer, Layer) and layer.by_name:
        kwargs = {name: value for name, value in kwargs.items() if value is not None}
    elif isinstance(layer, Layer) and not (layer.composed and not of_this_package(type(layer))):
        args, kwargs = _as_taken(layer, args, kwargs, argument)
    elif isinstance(layer, Layer):
        kwargs = {name: value for name, value in kwargs.items() if not (name in _KNOWN and value is None)}
    layer(*args, **kwargs)


def _as_taken(layer: Any, args: list[Any], kwargs: dict[str, Any], argument: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments as layers here take them."""
    if not args:
        args = [kwargs.pop(name) for name in FIRST if name in kwargs][:1]
    if len(args) > 1 and takes_states(layer):
        args, kwargs = args[:1], {"initial_state": args[1]} | kwargs
    if len(args) != 1:
        checks.complain(ValueError, argument, "have one argument without a name", len(args))
    usual = layer.keras_call
    given = {name: value for name, value in kwargs.items() if value is not None and usual.get(name, ...) is not value}
    for name, value in given.items():
        if name not in _KNOWN or (name == "initial_state" and not takes_states(layer)):
            checks.refuse(
                ValueError, f"{argument}: argument", "one that the layer has", name, f" = {checks.shown(value)}"
            )
    for name in ("mask", "initial_state"):
        if not all(isinstance(leaf, SymbolicTensor) for leaf in leaves(given.get(name, []))):
            checks.refuse(ValueError, f"{argument}: {name}", "made of outputs of other layers", given[name])
    if "mask" in given and not isinstance(given["mask"], SymbolicTensor):
        checks.refuse(ValueError, f"{argument}: mask", "the mask of one input", given["mask"])
    return args, given


def takes_states(layer: Any) -> bool:
    """Whether a layer can be given the states to start with."""
    return isinstance(layer, RNN | Bidirectional)
