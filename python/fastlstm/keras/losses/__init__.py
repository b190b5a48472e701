"""Losses and their gradients."""

from .alignment import CTC
from .angle import CosineSimilarity
from .base import Counted, Loss, Slope
from .binary import BinaryCrossentropy
from .categorical import CategoricalCrossentropy
from .differences import Huber, LogCosh, MeanAbsoluteError, MeanSquaredError
from .distributions import KLDivergence, Poisson
from .entries import apply_mask, as_outputs, expand, fits, mean_last, scaled, weighted
from .focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from .function_loss import FunctionLoss
from .functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    cosine_similarity,
    ctc,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
    tversky,
)
from .generalized import CategoricalGeneralizedCrossEntropy
from .hinges import CategoricalHinge, Hinge, SquaredHinge
from .lookup import deserialize, get, serialize
from .overlaps import Dice, Tversky
from .relative import MeanAbsolutePercentageError, MeanSquaredLogarithmicError
from .sparse_categorical import SparseCategoricalCrossentropy

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Counted",
    "Dice",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "Slope",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "apply_mask",
    "as_outputs",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "expand",
    "fits",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_last",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "scaled",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
    "weighted",
]
