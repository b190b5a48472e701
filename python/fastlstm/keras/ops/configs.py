"""How configs have functions of symbolic tensors: what Keras calls them, and which of their arguments are settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from fastlstm import checks

from ..foundation.symbolic import any_symbolic

SETTINGS = {
    *("alpha", "approximate", "axes", "axis", "axis1", "axis2", "decimals", "destination", "dtype", "epsilon"),
    *("from_logits", "indices_or_sections", "k", "keepdims", "mode", "negative_slope", "newshape", "num"),
    *("num_classes", "ord", "order", "pad_width", "repeats", "shape", "shift", "source", "subscripts"),
    *("x_max", "x_min"),
}
"""Arguments that the class of an operation has in Keras; the others are those of its calls."""

NEUTRAL = {"initial": (None,), "dtype": (None,), "sparse": (None, False), "ragged": (None, False)}
"""Settings that functions here need not have, with what they may be in a config."""

WRITTEN: dict[str, dict[str, Any]] = {
    "cumprod": {"dtype": None},
    "cumsum": {"dtype": None},
    "max": {"initial": None},
    "min": {"initial": None},
    "one_hot": {"sparse": False},
    "prod": {"dtype": None},
}
"""Those of them that Keras has in the configs of a function."""

_MODULES = {
    "core": "cast convert_to_tensor slice_update stop_gradient unstack",
    "linalg": "norm",
    "math": "logsumexp rsqrt",
    "nn": """binary_crossentropy categorical_crossentropy elu gelu hard_sigmoid leaky_relu log_sigmoid log_softmax
    normalize one_hot relu relu6 selu sigmoid silu softmax softplus softsign sparse_categorical_crossentropy""",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}

OTHER_NAMES = {"TrueDivide": "Divide", "Max": "Amax", "Min": "Amin"}
"""Classes of Keras that are one function here."""


class Call(NamedTuple):
    """A call of an operation, without its settings."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    settings: dict[str, Any]


def place_of_function(function: Callable[..., Any]) -> str:
    """Return the module in which Keras has the class of a function, or that of one which it does not have."""
    if not function.__module__.startswith("fastlstm.keras.ops.") or function.__name__ == "l2_normalize":
        return function.__module__
    return f"keras.src.ops.{_MODULE_OF.get(function.__name__, 'numpy')}"


def parted(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """Tell the settings of a call from the rest of it."""
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    found = Call((), {}, {})
    for name, parameter in bound.signature.parameters.items():
        value = bound.arguments[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            found = found._replace(args=(*found.args, *value))
        elif name in SETTINGS and not any_symbolic(value):
            found.settings[name] = value
        elif parameter.default is inspect.Parameter.empty or (value is not parameter.default and not found.kwargs):
            found = found._replace(args=(*found.args, value))
        else:
            found.kwargs[name] = value
    return found


def joined(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], settings: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call with settings, or TypeError if they are not those of the function."""
    signature = inspect.signature(function)
    others = [parameter for name, parameter in signature.parameters.items() if name not in settings]
    bound = inspect.Signature(others).bind(*args, **kwargs)
    every = bound.arguments | settings
    whole = inspect.BoundArguments(signature, {name: every[name] for name in signature.parameters if name in every})
    return whole.args, whole.kwargs


def checked_settings(function: Callable[..., Any], config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a config, or ValueError if they are not those of the function."""
    known, found = inspect.signature(function).parameters, dict[str, Any]()
    for name, value in config.items():
        if name in known:
            found[name] = value
        elif name not in NEUTRAL or not any(value is neutral for neutral in NEUTRAL[name]):
            wanted = f"an argument of ops.{function.__name__}, one of {', '.join(known)}"
            checks.refuse(ValueError, f"{function.__name__}: a setting in the config", wanted, name)
    return found
