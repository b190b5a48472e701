"""Models in files of the native format: what Keras' files have, by the same paths, in one file of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.files import native
from fastlstm.files.bundle import Bundle
from fastlstm.files.hdf5 import Tree

from ..foundation.arrays import Array
from ..foundation.serialization import serialize_keras_object
from ..foundation.variable import CHANGE
from .described import model_of
from .state import Files, Restoring, state_of_model

_FILES = "files/"
"""What the names of texts begin with, which are arrays of bytes."""
MODEL, TRAINING = "model", "training"
"""What a description has of a model, and of its training, if the file is a checkpoint."""
STATE = "state"
"""What the names of the arrays of a training begin with."""


def save_native(model: Any, path: Path) -> None:
    """Write a model: what it is made of, its weights, how it is compiled, and the state of its optimizer."""
    model.plan  # noqa: B018 - says so if there are no weights yet
    with CHANGE:  # another thread may quantize it meanwhile
        arrays, described = bundled(*state_of_model(model)), serialize_keras_object(model)
    native.write(path, Bundle(arrays, {"kind": "model", MODEL: described}))


def bundled(tree: Tree, files: Files) -> dict[str, Array]:
    """Return the arrays of a model with its texts among them."""
    texts = {f"{_FILES}{name}": np.frombuffer(text, np.uint8) for name, text in files.items()}
    return tree.arrays | texts


def parted(arrays: Mapping[str, Array]) -> tuple[Tree, Files]:
    """Return what `bundled` put together, without the arrays of a training."""
    texts = {name: array for name, array in arrays.items() if name.startswith(_FILES)}
    weights = {name: array for name, array in arrays.items() if not name.startswith((_FILES, f"{STATE}/"))}
    tree = Tree(weights, {})
    return tree, {name.removeprefix(_FILES): array.tobytes() for name, array in texts.items()}


def load_native(path: Path, custom_objects: Mapping[str, Any] | None = None, compiled: bool = True) -> Any:
    """Make the model of a file; `compiled`: ready to go on training."""
    return model_of_bundle(native.read(path), str(path), custom_objects, compiled)


def model_of_bundle(
    bundle: Bundle, owner: str, custom_objects: Mapping[str, Any] | None = None, compiled: bool = True
) -> Any:
    """Make the model that a bundle describes.

    Parameters
    ----------
    bundle : Bundle
        What `save_native` wrote.
    owner : str
        Name of the file, for errors.
    custom_objects : dict, optional
        Classes and functions of one's own by the names that the description has for them.
    compiled : bool
        Whether it is compiled as it was, with the state of the optimizer, so that training goes on.
    """
    if bundle.description.keys() - {TRAINING} != {"kind", MODEL}:
        wanted = f"an object of kind, {MODEL}"
        checks.refuse(ValueError, f"{owner}: the description", wanted, bundle.description)
    config = checks.settings(f"{owner}: {MODEL}", bundle.description[MODEL])
    tree, files = parted(bundle.arrays)
    model = model_of(config, tree, owner, custom_objects, compiled)
    Restoring(model, tree, owner, files).run()
    return model
