"""How often outputs are right."""

from typing import Any

import numpy as np

from fastlstm import checks

from .. import losses
from ..foundation.arrays import Array
from .base import Metric


class Accuracy(Metric):
    """How often an output equals its label.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metrics.Accuracy()([[1], [2]], [[1.0], [3.0]])
    0.5
    """

    direction = "up"

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Whether each entry is right."""
        if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
            y_true = y_true[..., None]
        result: Array = y_true == y_pred
        return result


class CategoricalAccuracy(Metric):
    """How often the largest output is at the largest label; of equal ones the first counts.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.CategoricalAccuracy()
    >>> metric.update_state([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.3, 0.7]])
    >>> metric.result()
    0.5
    """

    direction = "up"

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Whether each row is right."""
        result: Array = y_true.argmax(-1) == y_pred.argmax(-1)
        return result


class SparseCategoricalAccuracy(Metric):
    """How often the largest output is at the class number.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.SparseCategoricalAccuracy()
    >>> metric.update_state([1, 0], [[0.2, 0.8], [0.3, 0.7]])
    >>> metric.result()
    0.5
    """

    direction = "up"

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Whether each row is right."""
        result: Array = _class_numbers(y_true, y_pred) == y_pred.argmax(-1)
        return result


def _class_numbers(y_true: Array, y_pred: Array) -> Array:
    return y_true[..., 0] if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 else y_true


class BinaryAccuracy(Metric):
    """How often an output above `threshold` meets a label 1, and another a label 0.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`.
    threshold : float
        Outputs above it count as 1.

    Raises
    ------
    ValueError
        If `threshold` is out of range, or labels and outputs do not fit.
    TypeError
        If `threshold` has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.BinaryAccuracy()
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.2], [0.4]])
    >>> round(metric.result(), 4)
    0.6667
    """

    direction = "up"

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.threshold = checks.real_number("threshold", threshold)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Share of right entries in each row."""
        if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
            y_true = y_true[..., None]
        return losses.mean_last(y_true == (y_pred > self.threshold))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"threshold": self.threshold}


class TopKCategoricalAccuracy(Metric):
    """How often the largest label is among the `k` largest outputs.

    Parameters
    ----------
    k : int
        How many outputs count.
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`.

    Raises
    ------
    ValueError
        If `k` is out of range, or labels and outputs do not fit.
    TypeError
        If `k` has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.TopKCategoricalAccuracy(k=2)
    >>> metric.update_state([[0.0, 0.0, 1.0]], [[0.5, 0.2, 0.3]])
    >>> metric.result()
    1.0
    """

    direction = "up"

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.k = checks.whole_number("k", k, at_least=1)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Whether each row is right."""
        return _in_top_k(y_true.argmax(-1), y_pred, self.k)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"k": self.k}


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """How often the class number is among the `k` largest outputs.

    Parameters
    ----------
    k, name, dtype : int; str; dtype or DTypePolicy
        See `TopKCategoricalAccuracy`.
    from_sorted_ids : bool
        Whether the outputs are no scores but class numbers, the best first.

    Raises
    ------
    ValueError
        If `k` is out of range, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metrics.SparseTopKCategoricalAccuracy(k=2)([2, 1], [[0.1, 0.9, 0.8], [0.3, 0.1, 0.6]])
    0.5
    """

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None, from_sorted_ids: bool = False) -> None:
        super().__init__(k, name, dtype)
        self.from_sorted_ids = checks.truth("from_sorted_ids", from_sorted_ids)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Whether each row is right."""
        labels = _class_numbers(y_true, y_pred)
        if self.from_sorted_ids:
            result: Array = (labels[..., None] == y_pred[..., : self.k]).any(axis=-1)
            return result
        return _in_top_k(labels, y_pred, self.k)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | ({"from_sorted_ids": True} if self.from_sorted_ids else {})


def _in_top_k(labels: Array, y_pred: Array, k: int) -> Array:
    there = (labels >= 0) & (labels < y_pred.shape[-1])
    own = np.take_along_axis(y_pred, np.where(there, labels, 0).astype(np.int64)[..., None], axis=-1)
    result: Array = ((y_pred > own).sum(-1) < k) & there
    return result
