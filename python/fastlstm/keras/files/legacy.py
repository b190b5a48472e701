"""Models and weights in HDF5 as Keras 1 and 2 wrote them, and Keras 3 still does: layers by name, weights in a list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastlstm import checks
from fastlstm.files import described, hdf5
from fastlstm.files.atomic import replaced
from fastlstm.files.hdf5 import Tree

from .. import losses, metrics
from ..foundation.arrays import Array
from ..foundation.keras_2 import is_of_keras_2, todays_config
from ..foundation.registration import custom_object_scope
from ..foundation.serialization import restored, serialize_keras_object
from ..foundation.variable import CHANGE, Variable
from ..foundation.whole_configs import whole_configs
from .described import model_of
from .keras_3 import VERSION
from .legacy_descriptions import METRICS, with_classes, with_metrics_of_outputs, with_modules, without_modules
from .legacy_optimizer import set_legacy_state
from .legacy_weights import Filling
from .optimizer_state import has_rate, state_of, warn_of_momentum
from .state import is_quantized

WEIGHTS, OPTIMIZER, TOP = "model_weights", "optimizer_weights", "top_level_model_weights"
_OF_KERAS = {"backend": "tensorflow", "keras_version": VERSION}


def legacy_order(layer: Any) -> list[Variable]:
    """Return the weights of a layer in the order of these files: those first that are trained."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


# --- Writing ----------------------------------------------------------------------------------------------------------


def save_model(model: Any, path: Path, include_optimizer: bool) -> None:
    """Write a model with its weights and, if it is wanted, how it is compiled and the state of its optimizer."""
    hdf5.h5py(f"writing {path}")
    with CHANGE:  # weights that another thread sets meanwhile belong together
        arrays, attributes = _described_model(model, include_optimizer)
    with replaced(path) as file:
        hdf5.write(file, arrays, attributes)


def _described_model(model: Any, include_optimizer: bool) -> tuple[dict[str, Array], dict[str, dict[str, Any]]]:
    """Return the arrays and the attributes of groups that a file of a model has."""
    with whole_configs():
        config = serialize_keras_object(model)
    config.pop("build_config", None)
    settings = config.pop("compile_config", None)
    arrays, of_weights = _described_weights(model, f"{WEIGHTS}/")
    attributes = {"": {**_OF_KERAS, "model_config": json.dumps(config)}, WEIGHTS: of_weights.pop(""), **of_weights}
    if settings and include_optimizer:
        attributes[""]["training_config"] = json.dumps(_training_config(settings))
        if not is_quantized(model):
            _write_optimizer(model.optimizer, arrays, attributes)
    return arrays, attributes


def _training_config(settings: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(settings)
    found["optimizer_config"] = found.pop("optimizer")
    found["loss"] = with_classes(found["loss"], losses.get)
    for name in METRICS:
        found[name] = with_classes(found[name], metrics.get)
    return {name: without_modules(value) for name, value in found.items()}


def save_weights(model: Any, path: Path) -> None:
    """Write the weights of a model."""
    hdf5.h5py(f"writing {path}")
    with CHANGE:
        described = _described_weights(model, "")
    with replaced(path) as file:
        hdf5.write(file, *described)


def _described_weights(model: Any, place: str) -> tuple[dict[str, Array], dict[str, dict[str, Any]]]:
    """Return the weights below a place, and attributes of groups; those of the place itself under the empty name."""
    arrays = dict[str, Array]()
    attributes = {"": {**_OF_KERAS, "layer_names": [layer.name for layer in model.layers]}}
    for layer in model.layers:
        _write_group(f"{place}{layer.name}", legacy_order(layer), arrays, attributes)
    inside = {id(variable) for layer in model.layers for variable in layer.weights}
    own = [variable for variable in model.weights if id(variable) not in inside]
    _write_group(f"{place}{TOP}", own, arrays, attributes)
    return arrays, attributes


def _write_group(path: str, variables: list[Variable], arrays: dict[str, Array], attributes: dict[str, Any]) -> None:
    names = _once([variable.path for variable in variables])
    attributes[path] = {"weight_names": names}
    arrays.update({f"{path}/{name}": variable.value for name, variable in zip(names, variables, strict=True)})


def _once(names: list[str]) -> list[str]:
    """Return names of which none is twice, as weights of layers of one name in two models may have."""
    return [name if name not in names[:k] else f"{name}_{k}" for k, name in enumerate(names)]


def _write_optimizer(optimizer: Any, arrays: dict[str, Array], attributes: dict[str, Any]) -> None:
    state = state_of(optimizer)
    known = ("iteration", "learning_rate") if has_rate(optimizer) else ("iteration",)
    names = [f"{optimizer.name}/{name}" for name in (*known, *map(str, range(len(known), len(state))))]
    attributes[OPTIMIZER] = {"weight_names": names}
    arrays.update({f"{OPTIMIZER}/{name}": value for name, value in zip(names, state, strict=True)})


# --- Reading ----------------------------------------------------------------------------------------------------------


def load_model(path: Path, custom_objects: Any, compiled: bool) -> Any:
    """Make the model that a file describes, with its weights."""
    tree = hdf5.read(path, str(path))
    kept = tree.attributes[""]
    if "model_config" not in kept:
        cure = "; model.load_weights() reads a file of weights alone"
        checks.complain(ValueError, str(path), "have an attribute model_config", _only(kept), cure)
    old = is_old(tree)
    config = _parsed(kept["model_config"], f"{path}: model_config", old)
    weights = tree.below(WEIGHTS)
    model = model_of(config, weights, f"{path}: model_config", custom_objects, compiled)
    fill(model, weights, f"{path}: {WEIGHTS}")
    if compiled and "training_config" in kept:
        settings = _parsed(kept["training_config"], f"{path}: training_config", old)
        _compile(model, settings, custom_objects, f"{path}: training_config")
        _restore_optimizer(model, tree, path, old)
    return model


def _only(names: Iterable[str]) -> str:
    """Return what a message says that there is."""
    found = sorted(names)
    return f"only {checks.shown(found)}" if found else "none"


def is_old(tree: Tree) -> bool:
    """Whether a file was written by Keras 1 or 2."""
    versions = [tree.attributes.get(group, {}).get("keras_version") for group in ("", WEIGHTS)]
    return is_of_keras_2(next((version for version in versions if version), "1."))


def _parsed(text: Any, owner: str, old: bool) -> dict[str, Any]:
    config = described.parsed(checks.text(owner, text), owner)
    found: dict[str, Any] = todays_config(config) if old else config
    return found


_PLACES = {
    "optimizer_config": "keras.optimizers",
    "loss": "keras.losses",
    "metrics": "keras.metrics",
    "weighted_metrics": "keras.metrics",
    "loss_weights": "keras",
}
"""Settings of `compile`, and the modules of the classes that they name."""

_OF_NO_MATTER = ("sample_weight_mode", "run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss")


def _compile(model: Any, settings: dict[str, Any], custom_objects: Any, owner: str) -> None:
    try:
        for name in settings:
            checks.one_of("a setting", name, (*_PLACES, *_OF_NO_MATTER))
        with custom_object_scope(custom_objects):
            settings = with_metrics_of_outputs(settings, model.output_names)
            described = {name: with_modules(settings.get(name), place) for name, place in _PLACES.items()}
            given = {name: restored(value, name) for name, value in described.items()}
            model.compile(optimizer=given.pop("optimizer_config"), **given)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise checks.named(error, owner) from error


def _restore_optimizer(model: Any, tree: Tree, path: Path, old: bool) -> None:
    group, owner = tree.below(OPTIMIZER), f"{path}: {OPTIMIZER}"
    names = hdf5.texts(group.attributes[""], "weight_names") or []
    if names:
        set_legacy_state(model, names, [_array(group, name, owner) for name in names], owner)
    if names and old:
        warn_of_momentum(model, owner)


def _array(group: Tree, name: str, owner: str) -> Array:
    if name not in group.arrays:
        checks.complain(ValueError, owner, f"have an array {name!r}, as its list of names says", "none")
    return group.arrays[name]


def load_weights(model: Any, path: Path, skip_mismatch: bool, by_name: bool) -> None:
    """Put the weights of a file of weights, or of a model, into a model."""
    tree = hdf5.read(path, str(path))
    is_model = hdf5.texts(tree.attributes[""], "layer_names") is None and WEIGHTS in tree.attributes
    owner = f"{path}: {WEIGHTS}" if is_model else str(path)
    fill(model, tree.below(WEIGHTS) if is_model else tree, owner, skip_mismatch, by_name)


def fill(model: Any, tree: Tree, owner: str, skip_mismatch: bool = False, by_name: bool = False) -> None:
    """Put the weights of a group of layers into a model: all of them or, if one does not fit, none."""
    names = hdf5.texts(tree.attributes[""], "layer_names")
    if names is None:
        names = []
        if any(legacy_order(layer) for layer in model.layers):
            is_of_keras_3 = any("/vars/" in name for name in tree.arrays)
            cure = "; the name of a file of weights of Keras 3 ends in .weights.h5" if is_of_keras_3 else ""
            checks.complain(ValueError, owner, "have an attribute layer_names", _only(tree.attributes[""]), cure)
    saved = {name: _saved(tree, name, owner) for name in names}
    filling = Filling(owner, skip_mismatch)
    if by_name:
        filling.by_name({layer.name: legacy_order(layer) for layer in model.layers}, saved)
    else:
        weights = [(layer.name, legacy_order(layer)) for layer in model.layers]
        filling.in_order([entry for entry in weights if entry[1]], [entry for entry in saved.items() if entry[1]])
    inside = {id(variable) for layer in model.layers for variable in layer.weights}
    own = [variable for variable in model.weights if id(variable) not in inside]
    if own:
        filling.layer(TOP, own, _saved(tree, TOP, owner))
    filling.finish()


def _saved(tree: Tree, name: str, owner: str) -> list[Array]:
    if name not in tree.attributes:
        checks.complain(ValueError, owner, f"have a group {name!r}, as its list of layers says", "none")
    group = tree.below(name)
    names = hdf5.texts(group.attributes[""], "weight_names") or []
    return [_array(group, weight, f"{owner}/{name}") for weight in names]
