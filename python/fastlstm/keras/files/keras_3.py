"""Models and weights in the files of Keras 3 and the last ones of 2, ``.keras`` and ``.weights.h5``."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from fastlstm.files import hdf5, keras_zip
from fastlstm.files.atomic import replaced
from fastlstm.files.hdf5 import Tree

from ..foundation.keras_2 import is_of_keras_2, todays_config
from ..foundation.serialization import serialize_keras_object
from ..foundation.variable import CHANGE
from .described import model_of
from .legacy_descriptions import names_of_outputs, with_metrics_of_outputs
from .optimizer_state import warn_of_anew, warn_of_momentum
from .state import OPTIMIZER, VARS, Restoring, state_of_model

VERSION = "3.15.1"
"""Of the Keras whose files these are."""


def save_model(model: Any, path: Path) -> None:
    """Write a model with its weights, how it is compiled, and the state of its optimizer."""
    hdf5.h5py(f"writing {path}")
    with CHANGE:  # another thread may quantize it meanwhile
        config = serialize_keras_object(model)
        tree, files = state_of_model(model)
    metadata = {"keras_version": VERSION, "date_saved": datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
    keras_zip.write(path, keras_zip.Archive(config, metadata, hdf5.written(tree), files))


def load_model(path: Path, custom_objects: Any, compiled: bool) -> Any:
    """Make the model that a file describes, with its weights."""
    hdf5.h5py(f"reading {path}")
    archive, owner = keras_zip.read(path), f"{path}: {keras_zip.WEIGHTS}"
    tree = _tree(io.BytesIO(archive.weights), owner)
    old = is_of_keras_2(archive.metadata.get("keras_version"))
    config = _todays(archive.config) if old else archive.config
    model = model_of(config, tree, f"{path}: {keras_zip.CONFIG}", custom_objects, compiled)
    Restoring(model, tree, owner, archive.assets).run()
    if old and model.optimizer is not None:
        _tell_of_optimizer(model, tree, owner)
    return model


def _todays(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config of a model of Keras 2 as Keras 3 would have written it."""
    found: dict[str, Any] = todays_config(config)
    settings = with_metrics_of_outputs(found.get("compile_config"), names_of_outputs(found))
    return found | {"compile_config": settings}


def _tell_of_optimizer(model: Any, tree: Tree, owner: str) -> None:
    """Warn if the optimizer of a model of Keras 2 does not go on as it did there."""
    if f"{OPTIMIZER}/{VARS}/0" in tree.arrays:
        warn_of_momentum(model, owner)
    else:
        warn_of_anew(model, owner, "Keras 2 keeps that of a legacy optimizer in a file .h5")


def _tree(source: Path | BinaryIO, owner: str) -> Tree:
    return hdf5.read(source, owner, attributes=False)  # which are names only


def save_weights(model: Any, path: Path) -> None:
    """Write the weights of a model, and the state of its optimizer."""
    tree, _ = state_of_model(model)
    with replaced(path) as file:
        hdf5.write(file, *tree)


def load_weights(model: Any, path: Path, skip_mismatch: bool) -> None:
    """Put the weights of a file of weights, or of a model, into a model."""
    if path.suffix == ".keras":
        owner = f"{path}: {keras_zip.WEIGHTS}"
        tree = _tree(io.BytesIO(keras_zip.read(path).weights), owner)
    else:
        owner, tree = str(path), _tree(path, str(path))
    Restoring(model, tree, owner).run(skip_mismatch)
