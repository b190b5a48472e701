"""How configs have functions of symbolic tensors: what Keras calls them, and which of their arguments are settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from fastlstm import checks

from ..foundation.symbolic import any_symbolic

SETTINGS = {
    *("alpha", "approximate", "axes", "axis", "axis1", "axis2", "axisa", "axisb", "axisc", "b", "decimals"),
    *("default_value", "destination", "dtype", "epsilon", "equal_nan", "from_logits", "indexing"),
    *("indices_or_sections", "initial", "is_causal", "k", "keepdims", "method", "minlength", "mode", "n", "nan"),
    *("neginf", "negative_slope", "newshape", "num", "num_classes", "num_segments", "offset", "ord", "order"),
    *("pad_width", "posinf", "reduction", "repeats", "shape", "shift", "side", "sorted", "source", "subscripts"),
    *("synchronized", "threshold", "upper", "weights", "x_max", "x_min"),
    *("attn_logits_soft_cap", "flash_attention", "ragged", "rms_scaling", "sparse"),
}
"""Arguments that the class of an operation has in Keras; the others are those of its calls."""

CALLED = {"average": {"weights"}, "batch_normalization": {"offset"}, "solve": {"b"}}
"""Arguments of functions that are named like settings and are none."""

NEUTRAL = {
    "attn_logits_soft_cap": (None,),
    "axis": (None,),
    "axisa": (-1,),
    "axisb": (-1,),
    "axisc": (-1,),
    "dtype": (None,),
    "flash_attention": (None, False),
    "initial": (None,),
    "ragged": (None, False),
    "rms_scaling": (False,),
    "sparse": (None, False),
    "synchronized": (False,),
}
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
    "core": "cast convert_to_tensor scatter scatter_update slice slice_update stop_gradient unstack",
    "linalg": "cholesky det inv norm solve",
    "math": "erf erfc in_top_k logsumexp rsqrt segment_max segment_sum top_k",
    "nn": """batch_normalization binary_crossentropy categorical_crossentropy celu dot_product_attention elu gelu glu
    hard_shrink hard_sigmoid hard_silu hard_tanh layer_normalization leaky_relu log_sigmoid log_softmax moments
    multi_hot normalize one_hot relu relu6 rms_normalization selu sigmoid silu soft_shrink softmax softplus softsign
    sparse_categorical_crossentropy squareplus tanh_shrink threshold""",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}

RENAMED = {
    "BatchNormalization": "BatchNorm",
    "LayerNormalization": "LayerNorm",
    "RmsNormalization": "RMSNorm",
    "Searchsorted": "SearchSorted",
}
"""What Keras calls classes whose names are not those of the functions in capitals."""

ALIKE = {"Absolute": "Fabs", "Max": "Amax", "Min": "Amin", "TrueDivide": "Divide", "ZerosLike": "EmptyLike"}
"""Classes of Keras of which the function is here another one's too."""


def class_names(kind: str) -> list[str]:
    """Return the names of the classes that Keras has for a kind of operation, the one to write first."""
    return [RENAMED.get(kind, kind), *([ALIKE[kind]] if kind in ALIKE else [])]


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
    settings = SETTINGS - CALLED.get(function.__name__, set())
    for name, parameter in bound.signature.parameters.items():
        value = bound.arguments[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            found = found._replace(args=(*found.args, *value))
        elif name in settings and not any_symbolic(value):
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
