"""Means of precision and recall."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation import settings
from ..foundation.arrays import Array
from .sums import ColumnSums

AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(ColumnSums):
    """``(1 + beta**2) * precision * recall / (beta**2 * precision + recall)`` of every class, for one-hot labels.

    Parameters
    ----------
    average : str, optional
        None: an array with the score of each class; ``"macro"``: their mean; ``"weighted"``: their mean by how often
        they occur; ``"micro"``: the score of all entries together.
    beta : float
        How many times as important recall is as precision.
    threshold : float, optional
        An output above it is positive; None: the largest of the last axis is.
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`.

    Raises
    ------
    ValueError
        If `beta` or `threshold` is out of range, `average` is unknown, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> round(metrics.FBetaScore("macro", beta=2.0, threshold=0.5)([[1], [1], [0]], [[0.9], [0.1], [0.8]]), 4)
    0.5
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.average = checks.one_of("average", average, AVERAGES)
        self.beta = checks.real_number("beta", beta, above=0)
        if threshold is not None:
            threshold = checks.real_number("threshold", threshold, above=0, at_most=1)
        self.threshold = threshold

    def terms(self, y_true: Array, y_pred: Array, weights: Array) -> tuple[Array, ...]:
        """See `ColumnSums`: entries found, taken for positive wrongly, and missed."""
        if self.threshold is None:
            positive = (y_pred >= y_pred.max(axis=-1, keepdims=True)) & (np.abs(y_pred) > 1e-9)
        else:
            positive = y_pred > self.threshold
        found = positive.astype(np.float64)
        return found * y_true * weights, found * (1 - y_true) * weights, (1 - found) * y_true * weights

    def value(self, *sums: Array) -> Any:
        """See `ColumnSums`."""
        if self.average == "micro":
            sums = tuple(total.sum(keepdims=True) for total in sums)
        tp, fp, fn = sums
        precision, recall = tp / (tp + fp + settings.epsilon()), tp / (tp + fn + settings.epsilon())
        scores = (1 + self.beta**2) * precision * recall / (self.beta**2 * precision + recall + settings.epsilon())
        if self.average == "weighted":
            return float(np.sum(scores * (tp + fn)) / (np.sum(tp + fn) + settings.epsilon()))
        return scores if self.average is None else float(scores.mean())

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"average": self.average, "beta": self.beta, "threshold": self.threshold}


class F1Score(FBetaScore):
    """``2 * precision * recall / (precision + recall)`` of every class, for one-hot labels.

    Parameters
    ----------
    average, threshold, name, dtype : str; float; dtype or DTypePolicy, optional
        See `FBetaScore`.

    Raises
    ------
    ValueError
        If `threshold` is out of range, `average` is unknown, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> round(metrics.F1Score("micro")([[1, 0], [0, 1], [1, 0]], [[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]]), 4)
    0.6667
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {name: value for name, value in super().get_config().items() if name != "beta"}
