"""How Keras turns weights into whole numbers, and how its configs say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastlstm import checks, precisions

from ..foundation.arrays import Array
from ..foundation.policies import taken_apart
from ..quantizers import Int8QuantizationConfig

KEY = "quantization_config"
"""What configs call it."""

_EPSILON = np.float32(1e-7)  # what Keras adds to a largest magnitude before it divides by it
_ABS_MAX: dict[str, Any] = {
    "value_range": [-precisions.LARGEST, precisions.LARGEST],
    "epsilon": 1e-7,
    "output_dtype": "int8",
}


def rounded(values: Array, axis: Any) -> tuple[Array, Array]:
    """Return whole numbers, and what they were multiplied with: 127 over the largest magnitude along an axis."""
    is_number = np.isfinite(values).all(axis=axis, keepdims=True)
    finite = np.where(is_number, values, np.float32(0))
    scale = np.float32(precisions.LARGEST) / (np.abs(finite).max(axis=axis, keepdims=True, initial=0) + _EPSILON)
    whole = np.clip(np.rint(finite * scale), -precisions.LARGEST, precisions.LARGEST).astype(np.int8)
    return whole, np.squeeze(np.where(is_number, scale, np.float32("nan")), axis)


def restored(whole: Array, scale: Array, axis: Any) -> Array:
    """Return the floats that whole numbers stand for."""
    with np.errstate(all="ignore"):
        floats: Array = whole.astype(np.float32) / np.expand_dims(scale, axis)
    return floats


def told(owner: str, mode: Any, config: Any, activations: Any) -> str:
    """Return the precision that the arguments of ``quantize()`` say."""
    if isinstance(config, str):
        mode, config = config, None
    if isinstance(config, Int8QuantizationConfig):
        if mode not in (None, config.mode) or activations not in (None, config.activations):
            got = f"one of {config.mode} with activations {config.activations}"
            checks.complain(ValueError, f"{owner}: config", "be None, or say what mode and activations say", got)
        mode, activations = config.mode, config.activations
    elif config is not None:
        cure = "; activations='int16' is the one other choice there is"
        checks.refuse(NotImplementedError, f"{owner}: config", "None or an Int8QuantizationConfig", config, cure)
    if mode is None:
        checks.refuse(ValueError, f"{owner}: mode", " or ".join(map(repr, precisions.MODES)), mode)
    try:
        return precisions.chosen(mode, activations)
    except (ValueError, TypeError) as error:
        raise checks.named(error, owner) from error


def described(precision: str) -> dict[str, Any]:
    """Return the quantizers of a precision as Keras' configs have them.

    Activations of 16 bits are said to be floats, which Keras has and which are nearest.
    """
    of_activations = _object("AbsMaxQuantizer", dict(_ABS_MAX)) if precision == "int8" else None
    return _object("Int8QuantizationConfig", {"weight_quantizer": None, "activation_quantizer": of_activations})


def _object(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"module": "keras.quantizers", "class_name": name, "config": config, "registered_name": None}


def precision_of(config: Mapping[str, Any], owner: str) -> str:
    """Return the precision that the config of a quantized layer says."""
    given = config.get(KEY)
    if given is None:
        return "int8"
    quantizers = given.get("config") if isinstance(given, dict) else None
    if not isinstance(quantizers, dict) or given.get("class_name") != "Int8QuantizationConfig":
        checks.refuse(NotImplementedError, f"{owner}: {KEY}", "an Int8QuantizationConfig", given)
    of_activations = quantizers.get("activation_quantizer")
    if quantizers.get("weight_quantizer") is not None or not _is_usual(of_activations):
        checks.refuse(NotImplementedError, f"{owner}: {KEY}", "one of the quantizers that Keras has by default", given)
    return "int8_int16" if of_activations is None else "int8"


def _is_usual(quantizer: Any) -> bool:
    if quantizer is None:
        return True
    config = quantizer.get("config") if isinstance(quantizer, dict) else None
    return isinstance(config, dict) and {k: v for k, v in config.items() if k != "axis"} == _ABS_MAX


def without(config: Any) -> Any:
    """Return the config of a layer without its quantizers, if the layer is quantized."""
    if not isinstance(config, Mapping):
        return config  # which is refused later on
    is_quantized = taken_apart(config.get("dtype"), "dtype")[1] in precisions.WHOLE
    return {name: value for name, value in config.items() if not (is_quantized and name == KEY)}
