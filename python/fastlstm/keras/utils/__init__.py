"""Helpers that Keras programs import."""

from ..backend import clear_session
from ..foundation.registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from ..foundation.serialization import deserialize_keras_object, serialize_keras_object
from ..models.plotting import model_to_dot, plot_model
from .files import get_file
from .labels import to_categorical
from .py_dataset import PyDataset
from .seeding import set_random_seed
from .sequences import pad_sequences
from .text_files import text_dataset_from_directory
from .timeseries import timeseries_dataset_from_array

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "model_to_dot",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
    "to_categorical",
]
