"""Which part of the variance of the labels the outputs explain."""

import warnings
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.frames import user_stacklevel

from ..foundation.arrays import Array
from .sums import ColumnSums

AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(ColumnSums):
    """``1 - sum((y_true - y_pred)**2) / sum((y_true - mean(y_true))**2)``, the coefficient of determination.

    Parameters
    ----------
    class_aggregation : str, optional
        None: an array with the score of each entry of the last axis; ``"uniform_average"``: their mean;
        ``"variance_weighted_average"``: their mean by the variances of the labels.
    num_regressors : int
        Number of inputs of the model, for the adjusted score ``1 - (1 - score) * (n - 1) / (n - num_regressors - 1)``
        of n labels; 0: it is not adjusted.
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`.

    Raises
    ------
    ValueError
        If `num_regressors` is out of range, `class_aggregation` is unknown, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metrics.R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]])
    0.5
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.class_aggregation = checks.one_of("class_aggregation", class_aggregation, AGGREGATIONS)
        self.num_regressors = checks.whole_number("num_regressors", num_regressors, at_least=0)

    def terms(self, y_true: Array, y_pred: Array, weights: Array) -> tuple[Array, ...]:
        """See `ColumnSums`."""
        weighted = y_true * weights
        return weighted, y_true * weighted, (y_true - y_pred) ** 2 * weights, weights, (weights != 0).astype(np.float64)

    def value(self, *sums: Array) -> Any:
        """See `ColumnSums`."""
        total, square, residual, count, labels = sums
        with np.errstate(all="ignore"):
            variance = square - total * total / count
            scores = 1 - residual / variance
            scores[np.isinf(scores)] = 0
            if self.class_aggregation == "variance_weighted_average":
                return self._adjusted(float(np.sum(variance * scores) / np.sum(variance)), labels.sum())
        return self._adjusted(scores if self.class_aggregation is None else float(scores.mean()), labels.sum())

    def _adjusted(self, score: Any, labels: float) -> Any:
        if not self.num_regressors:
            return score
        if self.num_regressors >= labels - 1:
            message = f"{self.name}: {labels:.0f} labels are too few for {self.num_regressors} regressors; not adjusted"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
            return score
        return 1 - (1 - score) * (labels - 1) / (labels - self.num_regressors - 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return super().get_config() | own
