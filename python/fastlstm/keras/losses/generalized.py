"""Cross-entropy that forgives wrong labels."""

from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from .class_numbers import ClassNumberLoss, at


class CategoricalGeneralizedCrossEntropy(ClassNumberLoss):
    """``(1 - y_pred[label] ** q) / q``, for labels that are class numbers, some of which may be wrong.

    Parameters
    ----------
    q : float
        Between 0 and 1: near 0 the cross-entropy, at 1 the absolute error.
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `q` is out of range, `reduction` is unknown, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    References
    ----------
    Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, NeurIPS 2018.

    Examples
    --------
    >>> from fastlstm.keras import losses
    >>> float(losses.CategoricalGeneralizedCrossEntropy(q=0.5)([1], [[0.75, 0.25]]))
    1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.q = checks.real_number("q", q, above=0, below=1)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        result: Array = (1 - at(y_pred, y_true) ** self.q) / self.q
        return result

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        slope = np.zeros_like(y_pred)
        np.put_along_axis(slope, y_true[..., None], -(at(y_pred, y_true)[..., None] ** (self.q - 1)), axis=-1)
        return slope

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"q": self.q}
