"""The metrics as functions: the value of every entry."""

from typing import Any

import numpy as np

from ..foundation.arrays import Array, any_numbers
from ..losses import as_outputs
from .accuracies import (
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .base import Metric
from .correlations import ConcordanceCorrelation, PearsonCorrelation
from .thresholds import alike


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Array:
    """Whether every entry is right; see `BinaryAccuracy`."""
    labels, outputs = alike("binary_accuracy", any_numbers(y_true, "y_true"), as_outputs(y_pred))
    return _floats(labels == (outputs > threshold))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Array:
    """Whether every row is right; see `CategoricalAccuracy`."""
    return _entries(CategoricalAccuracy(), y_true, y_pred)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Array:
    """Whether every row is right; see `SparseCategoricalAccuracy`."""
    return _entries(SparseCategoricalAccuracy(), y_true, y_pred)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Array:
    """Whether every row is right; see `TopKCategoricalAccuracy`."""
    return _entries(TopKCategoricalAccuracy(k), y_true, y_pred)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Array:
    """Whether every row is right; see `SparseTopKCategoricalAccuracy`."""
    return _entries(SparseTopKCategoricalAccuracy(k, from_sorted_ids=from_sorted_ids), y_true, y_pred)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Array:
    """Correlation of every row; see `PearsonCorrelation`."""
    return _entries(PearsonCorrelation(axis=axis), y_true, y_pred)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Array:
    """Correlation of every row; see `ConcordanceCorrelation`."""
    return _entries(ConcordanceCorrelation(axis=axis), y_true, y_pred)


def _entries(metric: Metric, y_true: Any, y_pred: Any) -> Array:
    return _floats(metric.call(any_numbers(y_true, "y_true"), as_outputs(y_pred)))


def _floats(values: Array) -> Array:
    return values.astype(np.float32) if values.dtype == np.bool_ else values


FUNCTIONS = (
    *(binary_accuracy, categorical_accuracy, sparse_categorical_accuracy),
    *(top_k_categorical_accuracy, sparse_top_k_categorical_accuracy),
    *(pearson_correlation, concordance_correlation),
)
