"""Models in files of the native format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.files import native
from fastlstm.files.bundle import Bundle

from ..foundation.arrays import Array
from ..foundation.serialization import deserialize_keras_object, serialize_keras_object
from ..foundation.undrawn import undrawn
from ..foundation.variable import CHANGE, assign_all

_OPTIMIZER = "optimizer"
_KEYS = ("kind", "model", "weights", "optimizer_arrays")


def save_native(model: Any, path: Path) -> None:
    """Write a model: what it is made of, its weights, how it is compiled, and the state of its optimizer."""
    model.plan  # noqa: B018 - says so if there are no weights yet
    with CHANGE:
        weights = {f"{k}/{variable.path}": np.asarray(variable.value) for k, variable in enumerate(model.weights)}
        optimizer = model.optimizer
        state = optimizer.get_weights() if optimizer is not None and optimizer.built else []
    arrays = weights | {f"{_OPTIMIZER}/{k}": array for k, array in enumerate(state)}
    config = serialize_keras_object(model)
    description = {"kind": "model", "model": config, "weights": [*weights], "optimizer_arrays": len(state)}
    native.write(path, Bundle(arrays, description))


def load_native(path: Path, custom_objects: Mapping[str, Any] | None = None, compiled: bool = True) -> Any:
    """Make the model of a file; `compiled`: ready to go on training."""
    return model_of(native.read(path), str(path), custom_objects, compiled)


def model_of(bundle: Bundle, owner: str, custom_objects: Mapping[str, Any] | None = None, compiled: bool = True) -> Any:
    """Make the model that a bundle describes.

    Parameters
    ----------
    bundle
        What `save_native` wrote.
    owner
        Name of the file, for errors.
    custom_objects
        Classes and functions of one's own by the names that the description has for them.
    compiled
        Whether it is compiled as it was, with the state of the optimizer, so that training goes on.
    """
    _check_keys(bundle, owner)
    described = bundle.description
    config = checks.settings(f"{owner}: model", described["model"])
    try:
        with undrawn():
            model = deserialize_keras_object(config if compiled else {**config, "compile_config": None}, custom_objects)
        if not hasattr(model, "get_layer"):
            checks.refuse(TypeError, "the description", "that of a model", model)
        assign_all(model.weights, [bundle.arrays[name] for name in described["weights"]], model.name)
        if compiled:
            _restore(model, [bundle.arrays[f"{_OPTIMIZER}/{k}"] for k in range(described["optimizer_arrays"])])
    except (ValueError, TypeError) as error:
        raise checks.named(error, owner) from error
    return model


def _check_keys(bundle: Bundle, owner: str) -> None:
    """Raise unless the description is one of a model and says of every array what it is."""
    described = bundle.description
    if described.keys() != {*_KEYS} or not isinstance(described["weights"], list):
        checks.refuse(ValueError, f"{owner}: the description", f"an object of {', '.join(_KEYS)}", described)
    most = len(bundle.arrays)
    count = checks.whole_number(f"{owner}: optimizer_arrays", described["optimizer_arrays"], at_least=0, at_most=most)
    names = [*described["weights"], *(f"{_OPTIMIZER}/{k}" for k in range(count))]
    if not all(isinstance(name, str) for name in names) or sorted(names) != sorted(bundle.arrays):
        must = "be described by weights and optimizer_arrays"
        checks.complain(ValueError, f"{owner}: its arrays", must, checks.shown(sorted(bundle.arrays)))


def _restore(model: Any, state: list[Array]) -> None:
    """Let the optimizer go on where it was."""
    if not state:
        return
    if model.optimizer is None:
        checks.complain(ValueError, "optimizer_arrays", "come with an optimizer", f"{len(state)} without one")
    model.optimizer.build(model.trainable_variables)
    model.optimizer.set_weights(state)
