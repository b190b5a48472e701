"""Descriptions of optimizers, losses and metrics as Keras 2 has them: without the modules of their classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..foundation.published import is_function
from ..foundation.serialization import serialize_keras_object
from ..training.compiling import is_accuracy


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
    return {"module": module, **described}


METRICS = ("metrics", "weighted_metrics")
"""Settings of `compile`."""


def with_metrics_of_outputs(settings: Any, outputs: Sequence[str]) -> Any:
    """Return settings of `compile` of Keras 2 with the metrics of several outputs as they are given today."""
    if len(outputs) < 2 or not isinstance(settings, dict):
        return settings
    return settings | {name: _by_output(settings.get(name), outputs) for name in METRICS}


def _by_output(described: Any, outputs: Sequence[str]) -> Any:
    """Return metrics by output: of a plain list, every output has all; names begin with those of outputs no more."""
    if isinstance(described, list) and not any(map(_is_nested, described)):
        described = [described] * len(outputs)
    if isinstance(described, dict) and described.keys() <= set(outputs):
        return {output: _without_output(entry, output) for output, entry in described.items()}
    if isinstance(described, list) and len(described) == len(outputs):
        return [_without_output(entry, output) for entry, output in zip(described, outputs, strict=True)]
    return described


def _is_nested(entry: Any) -> bool:
    return entry is None or isinstance(entry, list) or (isinstance(entry, dict) and "class_name" not in entry)


def _without_output(described: Any, output: str) -> Any:
    if isinstance(described, list):
        return [_without_output(entry, output) for entry in described if entry is not None]
    config = described.get("config") if isinstance(described, dict) else None
    if not isinstance(config, dict) or not isinstance(config.get("name"), str):
        return described
    return described | {"config": config | {"name": config["name"].removeprefix(f"{output}_")}}


def names_of_outputs(config: Any) -> list[str]:
    """Return the names of the layers that make the outputs of a graph; of another model none."""
    settings = config.get("config") if isinstance(config, dict) else None
    found = settings.get("output_layers") if isinstance(settings, dict) else None
    return [str(entry[0]) for entry in found if isinstance(entry, list) and entry] if isinstance(found, list) else []
