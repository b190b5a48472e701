"""What configs of Keras 1 and 2 say, as Keras 3 says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_OPTIMIZERS = ("optimizer", "optimizer_config")
_OF_OPTIMIZERS = {"lr": "learning_rate"}
_OF_LOSSES = {"logcosh": "log_cosh", "huber_loss": "huber", "cosine_proximity": "cosine_similarity"}
_FORGOTTEN = ("jit_compile", "is_legacy_optimizer")


def todays_config(config: Any) -> Any:
    """Return a config of Keras 1 or 2 with the names and values that mean the same today.

    ``hard_sigmoid`` is what it was there, ``clip(0.2 x + 0.5, 0, 1)``.
    """
    if isinstance(config, list | tuple):
        return [todays_config(entry) for entry in config]
    if not isinstance(config, dict):
        return config
    found = {key: _todays_entry(key, value) for key, value in config.items()}
    name, settings = found.get("class_name"), found.get("config")
    if name == "MeanMetricWrapper" and isinstance(settings, dict) and settings.get("fn") == "cosine_similarity":
        return found | _cosine_similarity(settings)
    if isinstance(name, str) and name in _OF_CLASSES and isinstance(settings, dict):
        found["config"] = _OF_CLASSES[name](settings)
    return found


def _todays_entry(key: Any, value: Any) -> Any:
    if value == "hard_sigmoid" and isinstance(key, str) and key.endswith("activation"):
        return "hard_sigmoid_keras2"
    found = todays_config(value)
    if key == "compile_config" and isinstance(found, dict):  # where None is for what `compile` was not given
        return {name: entry for name, entry in found.items() if entry is not None}
    if key in _OPTIMIZERS:
        return _todays_optimizer(found)
    return _todays_losses(found) if key == "loss" else found


def _todays_losses(tree: Any) -> Any:
    """Return the losses of every output: those of classes without the function that the class stands for."""
    if isinstance(tree, list):
        return [_todays_losses(entry) for entry in tree]
    if not isinstance(tree, dict):
        return _OF_LOSSES.get(tree, tree) if isinstance(tree, str) else tree
    if "class_name" not in tree or not isinstance(tree.get("config"), dict):
        return {name: _todays_losses(entry) for name, entry in tree.items()}
    config = {name: value for name, value in tree["config"].items() if name != "fn"}
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    return tree | {"config": config}


def _todays_optimizer(described: Any) -> Any:
    if not isinstance(described, dict) or not isinstance(described.get("config"), dict):
        return described
    module, name = described.get("module"), described.get("class_name")
    found = described | {"config": _todays_options(described["config"], name)}
    return found | {"module": "keras.optimizers"} if module == "keras.optimizers.legacy" else found


def _todays_options(config: dict[str, Any], optimizer: Any) -> dict[str, Any]:
    found = {_OF_OPTIMIZERS.get(name, name): value for name, value in config.items() if name not in _FORGOTTEN}
    decay = found.pop("decay", None)
    if decay in (0, None) or optimizer == "Nadam":  # whose decay is one of the momentum
        return found
    settings = {"initial_learning_rate": found.get("learning_rate"), "decay_steps": 1, "decay_rate": decay}
    rate = {"module": "keras.optimizers.schedules", "class_name": "InverseTimeDecay", "config": settings}
    return found | {"learning_rate": rate}


def _with_function(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings of a metric whose function is not its name alone."""
    name = settings.get("fn")
    return settings | {"fn": {"class_name": "function", "config": name}} if isinstance(name, str) else settings


def _cosine_similarity(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the description of the metric: the function of this name is that of the loss, which is negative."""
    config = {name: value for name, value in settings.items() if name != "fn"}
    return {"class_name": "CosineSimilarity", "config": config}


def _with_slope(settings: dict[str, Any]) -> dict[str, Any]:
    return {"negative_slope" if name == "alpha" else name: value for name, value in settings.items()}


def _with_one_axis(settings: dict[str, Any]) -> dict[str, Any]:
    axis = settings.get("axis")
    return settings | {"axis": axis[0]} if isinstance(axis, list) and len(axis) == 1 else settings


def _without_robust_masks(settings: dict[str, Any]) -> dict[str, Any]:
    name = "softmax_robust_masking"
    return {key: value for key, value in settings.items() if key != name or value}


_OF_CLASSES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "MeanMetricWrapper": _with_function,
    "BatchNormalization": _with_one_axis,
    "LeakyReLU": _with_slope,
    "MultiHeadAttention": _without_robust_masks,
}


def is_of_keras_2(version: Any) -> bool:
    """Whether what a file says of the Keras that wrote it is 1 or 2."""
    return str(version).startswith(("1.", "2."))
