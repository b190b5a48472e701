"""Models and weights in the files of Keras 3, ``.keras`` and ``.weights.h5``."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

from fastlstm import checks
from fastlstm.files import hdf5, keras_zip
from fastlstm.files.atomic import replaced

from ..foundation.serialization import check_levels, deserialize_keras_object, serialize_keras_object
from ..foundation.undrawn import undrawn
from .state import Restoring, tree_of

VERSION = "3.15.1"
"""Of the Keras whose files these are."""


def save_model(model: Any, path: Path) -> None:
    """Write a model with its weights, how it is compiled, and the state of its optimizer."""
    hdf5.h5py(f"writing {path}")
    config = serialize_keras_object(model)
    metadata = {"keras_version": VERSION, "date_saved": datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
    keras_zip.write(path, keras_zip.Archive(config, metadata, _weights_file(model), {}))


def _weights_file(model: Any) -> bytes:
    memory = io.BytesIO()
    hdf5.write(memory, *tree_of(model))
    return memory.getvalue()


def load_model(path: Path, custom_objects: Any, compiled: bool) -> Any:
    """Make the model that a file describes, with its weights."""
    hdf5.h5py(f"reading {path}")
    archive = keras_zip.read(path)
    owner = f"{path}: {keras_zip.WEIGHTS}"
    tree = hdf5.read(io.BytesIO(archive.weights), owner)
    model = model_of(archive.config if compiled else {**archive.config, "compile_config": None}, path, custom_objects)
    Restoring(model, tree, owner).run()
    return model


def model_of(config: dict[str, Any], path: Path, custom_objects: Any) -> Any:
    """Make the model of a config, whose weights are yet to come."""
    owner = f"{path}: {keras_zip.CONFIG}"
    check_levels(config, owner)
    try:
        with undrawn():
            model = deserialize_keras_object(config, custom_objects)
    except (ValueError, TypeError) as error:
        raise checks.named(error, owner) from error
    if not hasattr(model, "get_layer"):
        checks.refuse(TypeError, owner, "that of a model", model)
    return model


def save_weights(model: Any, path: Path) -> None:
    """Write the weights of a model, and the state of its optimizer."""
    tree = tree_of(model)
    with replaced(path) as temporary:
        hdf5.write(temporary, *tree)


def load_weights(model: Any, path: Path, skip_mismatch: bool) -> None:
    """Put the weights of a file of weights, or of a model, into a model."""
    if path.suffix == ".keras":
        owner = f"{path}: {keras_zip.WEIGHTS}"
        tree = hdf5.read(io.BytesIO(keras_zip.read(path).weights), owner)
    else:
        owner, tree = str(path), hdf5.read(path, str(path))
    Restoring(model, tree, owner).run(skip_mismatch)
