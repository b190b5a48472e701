"""The names of Keras and TensorFlow, by the modules and classes that they are in."""

from __future__ import annotations

import json
from functools import cache
from inspect import get_annotations
from pathlib import Path
from typing import Any

OLDER = {
    "": "engine estimator objectives wrappers",
    "backend": (
        "function get_session image_dim_ordering placeholder print_tensor set_image_dim_ordering set_learning_phase "
        "set_session"
    ),
    "layers": (
        "AtrousConvolution1D AtrousConv1D Highway LocallyConnected1D LocallyConnected2D MaxoutDense Merge "
        "TimeDistributedDense TimeDistributedMerge"
    ),
    "utils": "io_utils multi_gpu_model HDF5Matrix GeneratorEnqueuer OrderedEnqueuer",
    "models": "Graph model_from_config model_from_yaml save_weights",
    "estimator": "model_to_estimator",
    "wrappers": "scikit_learn",
    "wrappers.scikit_learn": "KerasClassifier KerasRegressor",
    "tf": (
        "ConfigProto GPUOptions InteractiveSession Session enable_eager_execution estimator gfile logging "
        "set_random_seed"
    ),
    "tf.compat.v1": (
        "ConfigProto GPUOptions InteractiveSession Session disable_eager_execution disable_v2_behavior "
        "enable_eager_execution get_default_graph global_variables_initializer keras logging placeholder "
        "reset_default_graph set_random_seed train"
    ),
    "tf.compat.v1.logging": "DEBUG ERROR FATAL INFO WARN set_verbosity",
    "tf.config.experimental": (
        "list_logical_devices list_physical_devices set_memory_growth set_virtual_device_configuration"
    ),
    "tf.io": "gfile",
    "tf.io.gfile": "GFile copy exists glob isdir listdir makedirs mkdir remove rename rmtree",
}
"""Names that only Keras 1 and 2 and TensorFlow 1 have."""


@cache
def keras_names() -> dict[str, tuple[str, ...]]:
    """Return the names that Keras, any of its versions, has in each module, by its place, and in some classes.

    Places in TensorFlow begin with ``tf``.
    """
    found: dict[str, str] = json.loads((Path(__file__).parent / "names.json").read_text("utf-8"))
    every = {place: f"{found.get(place, '')} {OLDER.get(place, '')}" for place in {**found, **OLDER}}
    return {place: tuple(sorted(set(names.split()))) for place, names in every.items()}


def is_known(place: str) -> bool:
    """Whether Keras, or for ``tf`` TensorFlow, has something at a place such as ``layers.Conv2D``."""
    above, _, name = place.rpartition(".")
    return name in keras_names().get(above, ())


def has(holder: Any, name: str) -> bool:
    """Whether a module or a class has `name`, or says that its instances do."""
    kinds = holder.__mro__ if isinstance(holder, type) else ()
    return hasattr(holder, name) or any(name in get_annotations(kind) for kind in kinds)
