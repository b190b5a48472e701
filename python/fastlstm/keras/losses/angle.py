"""The angle between label and output."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation import settings
from ..foundation.arrays import Array
from .base import Loss


class CosineSimilarity(Loss):
    """``-sum(unit(y_true) * unit(y_pred))``, where ``unit(x) = x / max(norm(x), 1e-7)``; -1 for the same direction.

    Parameters
    ----------
    axis : int
        Along which the vectors lie.
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> round(float(losses.CosineSimilarity()([[0.0, 1.0]], [[3.0, 4.0]])), 4)
    -0.8
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = checks.whole_number("axis", axis)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        result: Array = -np.add.reduce(y_true * y_pred / (self._norm(y_true) * self._norm(y_pred)), axis=self.axis)
        return result

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        norm = self._norm(y_pred)
        y, p = y_true / self._norm(y_true), y_pred / norm
        along = np.add.reduce(y * p, axis=self.axis, keepdims=True) * (norm > settings.epsilon())
        result: Array = (along * p - y) / norm
        return result

    def _norm(self, x: Array) -> Array:
        result: Array = np.maximum(np.sqrt(np.add.reduce(x * x, axis=self.axis, keepdims=True)), settings.epsilon())
        return result

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis}
