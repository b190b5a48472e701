"""Activation functions of the Keras surface: as nodes, and as attributes of recurrent ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.keras import activations

from .writer import Writer

Write = Callable[[Writer, str, "np.dtype[Any]"], str]


def _plain(op: str, **attributes: Any) -> Write:
    return lambda writer, x, dtype: writer.node(op, x, **attributes)


def _silu(writer: Writer, x: str, dtype: np.dtype[Any]) -> str:
    return writer.node("Mul", x, writer.node("Sigmoid", x))


def _gelu(writer: Writer, x: str, dtype: np.dtype[Any]) -> str:
    scaled = writer.node("Mul", x, writer.constant(dtype.type(0.5**0.5)))
    share = writer.node("Add", writer.node("Erf", scaled), writer.constant(dtype.type(1)))
    return writer.node("Mul", writer.node("Mul", x, writer.constant(dtype.type(0.5))), share)


def _relu6(writer: Writer, x: str, dtype: np.dtype[Any]) -> str:
    return writer.node("Clip", x, writer.constant(dtype.type(0)), writer.constant(dtype.type(6)))


_NODES: dict[str, Write] = {
    "elu": _plain("Elu"),
    "exponential": _plain("Exp"),
    "gelu": _gelu,
    "hard_sigmoid": _plain("HardSigmoid", alpha=1 / 6, beta=0.5),
    "leaky_relu": _plain("LeakyRelu", alpha=0.2),
    "linear": lambda writer, x, dtype: x,
    "log_softmax": _plain("LogSoftmax", axis=-1),
    "relu": _plain("Relu"),
    "relu6": _relu6,
    "selu": _plain("Selu"),
    "sigmoid": _plain("Sigmoid"),
    "silu": _silu,
    "softmax": _plain("Softmax", axis=-1),
    "softplus": _plain("Softplus"),
    "softsign": _plain("Softsign"),
    "tanh": _plain("Tanh"),
}

_IN_CELLS: dict[str, tuple[str, float | None, float | None]] = {
    "elu": ("Elu", 1.0, None),
    "hard_sigmoid": ("HardSigmoid", 1 / 6, 0.5),
    "leaky_relu": ("LeakyRelu", 0.2, None),
    "linear": ("Affine", 1.0, 0.0),
    "relu": ("Relu", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "softplus": ("Softplus", None, None),
    "softsign": ("Softsign", None, None),
    "tanh": ("Tanh", None, None),
}
"""Name, alpha and beta."""


def activated(writer: Writer, function: Any, x: str, dtype: np.dtype[Any], owner: str) -> str:
    """Add the nodes of a function; return the name of what it gives."""
    return _NODES[_known(function, _NODES, owner)](writer, x, dtype)


def in_cells(functions: list[Any], owner: str) -> dict[str, Any]:
    """Return the attributes of a recurrent node with these functions."""
    found = [_IN_CELLS[_known(function, _IN_CELLS, owner)] for function in functions]
    alphas = [alpha for _, alpha, _ in found if alpha is not None]
    betas = [beta for _, _, beta in found if beta is not None]
    lists = {"activation_alpha": alphas, "activation_beta": betas}
    return {"activations": [name for name, _, _ in found], **{key: given for key, given in lists.items() if given}}


def _known(function: Any, table: Any, owner: str) -> str:
    """Return the name of a function of this package, with its usual settings, that the table has."""
    name = str(function.name)
    if name not in table or activations.get(name) != function:
        must = f"be of {', '.join(table)} for ONNX, with the usual settings"
        checks.complain(ValueError, f"{owner}: activation", must, checks.shown(name))
    return name
