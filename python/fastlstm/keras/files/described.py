"""Models of the configs in files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastlstm import checks
from fastlstm.files.hdf5 import Tree

from ..foundation.serialization import check_levels, deserialize_keras_object
from ..foundation.undrawn import undrawn


def model_of(
    config: dict[str, Any], tree: Tree, owner: str, custom_objects: Mapping[str, Any] | None, compiled: bool
) -> Any:
    """Make the model of a config, whose weights are yet to come.

    Parameters
    ----------
    config : dict
        The config. What it says of sizes is held against the file before anything is allocated.
    tree : nested structure
        The arrays of the file.
    owner : str
        The name of the file and of the place of the config in it, for errors.
    custom_objects : dict, optional
        Classes and functions of one's own by the names that the config has for them.
    compiled : bool
        Whether the model is compiled as it was.
    """
    check_levels(config, owner)
    try:
        with undrawn(sum(array.size for array in tree.arrays.values())):
            model = deserialize_keras_object(config if compiled else {**config, "compile_config": None}, custom_objects)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise checks.named(error, owner) from error
    if not hasattr(model, "get_layer"):
        checks.refuse(TypeError, owner, "that of a model", model)
    return model
