"""Descriptions of optimizers, losses and metrics as Keras 2 has them: without the modules of their classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..foundation.published import is_function
from ..foundation.serialization import serialize_keras_object
from ..training.compiling import is_accuracy

_OLD_NAMES = {"lr": "learning_rate"}
_FORGOTTEN = ("jit_compile", "is_legacy_optimizer")


def without_modules(described: Any) -> Any:
    """Return descriptions with the names of classes and functions alone."""
    if isinstance(described, list | tuple):
        return [without_modules(entry) for entry in described]
    if not isinstance(described, dict):
        return described
    if is_function(described):
        return described["config"]
    if "class_name" not in described:
        return {key: without_modules(entry) for key, entry in described.items()}
    name = described.get("registered_name") or described["class_name"]
    return {"class_name": name, "config": described["config"]}


def with_classes(described: Any, get: Callable[[str], Any]) -> Any:
    """Return descriptions with classes in place of names of losses and metrics, which Keras does not read here.

    A name that is short stays the name of the object. What fits labels and output stays ``"accuracy"``.
    """
    if isinstance(described, list | tuple):
        return [with_classes(entry, get) for entry in described]
    if isinstance(described, dict) and "class_name" not in described:
        return {key: with_classes(entry, get) for key, entry in described.items()}
    if not isinstance(described, str) or is_accuracy(described):
        return described
    found: dict[str, Any] = serialize_keras_object(get(described))
    return {**found, "config": {**found["config"], "name": described}}


def with_modules(described: Any, module: str) -> Any:
    """Return descriptions with the module of their classes, where they name none."""
    if isinstance(described, list | tuple):
        return [with_modules(entry, module) for entry in described]
    if not isinstance(described, dict):
        return described
    if "class_name" not in described:
        return {key: with_modules(entry, module) for key, entry in described.items()}
    config = described.get("config")
    if "module" in described or not isinstance(config, dict):
        return described
    if described["class_name"] == "MeanMetricWrapper" and isinstance(config.get("fn"), str):
        return config["fn"]
    if module == "keras.optimizers":
        config = _todays(config)
    return {"module": module, **described, "config": config}


def _todays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of an optimizer under the names that they have today."""
    found = {_OLD_NAMES.get(name, name): value for name, value in config.items() if name not in _FORGOTTEN}
    if found.get("decay") in (0, None):
        found.pop("decay", None)
    return found
