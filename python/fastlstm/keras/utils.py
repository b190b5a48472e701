"""Small helpers that Keras programs import."""

import random as python_random
from typing import Any

import numpy as np

from fastlstm import checks

from .backend import clear_session as clear_session
from .foundation.arrays import Array, any_numbers
from .foundation.random import seed_generator
from .foundation.registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from .foundation.serialization import deserialize_keras_object, serialize_keras_object
from .models.plotting import model_to_dot, plot_model

__all__ = [
    "CustomObjectScope",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "model_to_dot",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
]


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and fastlstm's generators, so that everything drawn afterwards repeats."""
    seed = checks.whole_number("seed", seed, at_least=0, at_most=2**32 - 1)
    python_random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for what the user draws with it
    seed_generator(seed)


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """One-hot rows for class numbers.

    Parameters
    ----------
    x
        Integers from 0 to ``num_classes - 1``, of any shape; a last axis of length one is dropped.
    num_classes
        Length of the rows; by default one more than the largest class number.

    Returns
    -------
    ndarray of float64, shape ``x.shape + (num_classes,)``

    Raises
    ------
    ValueError
        A class number is negative, not whole, or not below `num_classes`.
    """
    if num_classes is not None:
        num_classes = checks.whole_number("num_classes", num_classes, at_least=1)
    labels = _class_numbers(x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = num_classes or (int(labels.max(initial=-1)) + 1)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        wanted = "of at least 0" if num_classes is None else f"from 0 to {classes - 1}"
        checks.complain(ValueError, "x", f"hold class numbers {wanted}", f"{labels.min()} to {labels.max()}")
    with checks.memory("x" if num_classes is None else "num_classes", classes, labels.size * classes * 8):
        rows: Array = (labels[..., None] == np.arange(classes)).astype(np.float64)
    return rows


def _class_numbers(x: Any) -> Array:
    given = any_numbers(x, "x", "class numbers")
    with np.errstate(invalid="ignore"):
        labels: Array = given.astype(np.int64)
    if not np.array_equal(labels, given):
        checks.complain(ValueError, "x", "hold whole numbers, the classes", given[labels != given].flat[0])
    return labels
