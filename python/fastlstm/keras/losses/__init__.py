"""Losses and their gradients."""

from .base import Counted, Loss, Slope
from .binary import BinaryCrossentropy
from .categorical import CategoricalCrossentropy
from .differences import Huber, MeanAbsoluteError, MeanSquaredError
from .entries import apply_mask, as_outputs, expand, fits, mean_last, scaled, weighted
from .function_loss import FunctionLoss
from .functions import (
    binary_crossentropy,
    categorical_crossentropy,
    huber,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from .lookup import deserialize, get, serialize
from .sparse_categorical import SparseCategoricalCrossentropy

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Counted",
    "FunctionLoss",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Slope",
    "SparseCategoricalCrossentropy",
    "apply_mask",
    "as_outputs",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "expand",
    "fits",
    "get",
    "huber",
    "mean_absolute_error",
    "mean_last",
    "mean_squared_error",
    "scaled",
    "serialize",
    "sparse_categorical_crossentropy",
    "weighted",
]
