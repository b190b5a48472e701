"""The losses as metrics: their means over all batches."""

from typing import Any, ClassVar

import numpy as np

from .. import losses
from ..foundation.arrays import Array, any_numbers
from .base import Metric


class LossMetric(Metric):
    """Base of the metrics that are the mean of a loss.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`.
    """

    loss: ClassVar[type[losses.Loss]]

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self._loss = type(self).loss()

    def check(self, y_true: Array, output_shape: tuple[int | None, ...]) -> None:
        """See `Metric`."""
        nothing = lambda: np.zeros(len(y_true), np.bool_)  # noqa: E731 - which labels count is seen in every batch
        self._loss.prepare_counted(y_true, output_shape, np.dtype(np.float64), nothing)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch; labels of weight 0 may be anything."""
        y_pred = losses.as_outputs(y_pred)
        weights = None if sample_weight is None else any_numbers(sample_weight, "sample_weight")
        counted = lambda: None if weights is None else weights != 0  # noqa: E731
        labels = self._loss.prepare_counted(y_true, y_pred.shape, y_pred.dtype, counted)
        super().update_state(self._loss.compared(labels, counted), y_pred, weights)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return self._loss.call(y_true, y_pred)


class MeanSquaredError(LossMetric):
    """Mean of the squared differences.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.MeanSquaredError()
    >>> metric.update_state([[0.0], [0.0]], [[1.0], [3.0]])
    >>> metric.update_state([[0.0]], [[2.0]], sample_weight=[2.0])
    >>> metric.result()
    4.5
    """

    loss = losses.MeanSquaredError


class RootMeanSquaredError(MeanSquaredError):
    """Square root of the mean of the squared differences.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.RootMeanSquaredError()
    >>> metric.update_state([[0.0], [0.0]], [[1.0], [3.0]])
    >>> round(metric.result(), 4)
    2.2361
    """

    def result(self) -> float:
        """Return the root of the mean so far."""
        return float(super().result() ** 0.5)


class MeanAbsoluteError(LossMetric):
    """Mean of the absolute differences.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.MeanAbsoluteError()
    >>> metric.update_state([[0.0], [0.0]], [[1.0], [3.0]])
    >>> metric.result()
    2.0
    """

    loss = losses.MeanAbsoluteError


class MeanAbsolutePercentageError(LossMetric):
    """See the loss of this name.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.MeanAbsolutePercentageError()
    >>> metric.update_state([[2.0], [4.0]], [[1.0], [4.0]])
    >>> metric.result()
    25.0
    """

    loss = losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(LossMetric):
    """See the loss of this name.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.MeanSquaredLogarithmicError()
    >>> metric.update_state([[1.0]], [[3.0]])
    >>> round(metric.result(), 4)
    0.4805
    """

    loss = losses.MeanSquaredLogarithmicError


class LogCoshError(LossMetric):
    """See the loss `LogCosh`.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.LogCoshError()
    >>> metric.update_state([[0.0]], [[1.0]])
    >>> round(metric.result(), 4)
    0.4338
    """

    loss = losses.LogCosh

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class CosineSimilarity(LossMetric):
    """Cosine of the angle between label and output; 1 for the same direction, where the loss of this name has -1.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`.
    axis : int
        Along which the vectors lie.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.
    TypeError
        If `axis` has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> round(metrics.CosineSimilarity()([[0.0, 1.0]], [[3.0, 4.0]]), 4)
    0.8
    """

    direction = "up"
    loss = losses.CosineSimilarity

    def __init__(self, name: str | None = None, dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype)
        self._loss = losses.CosineSimilarity(axis)
        self.axis = axis

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the cosine of every row."""
        return -self._loss.call(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"axis": self.axis}


class KLDivergence(LossMetric):
    """See the loss of this name.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.KLDivergence()
    >>> metric.update_state([[0.5, 0.5]], [[0.4, 0.6]])
    >>> round(metric.result(), 4)
    0.0204
    """

    loss = losses.KLDivergence


class Poisson(LossMetric):
    """See the loss of this name.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.Poisson()
    >>> metric.update_state([[1.0]], [[2.0]])
    >>> round(metric.result(), 4)
    1.3069
    """

    loss = losses.Poisson


class Hinge(LossMetric):
    """See the loss of this name.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.Hinge()
    >>> metric.update_state([[1.0, -1.0]], [[0.6, -0.4]])
    >>> round(metric.result(), 4)
    0.5
    """

    loss = losses.Hinge


class SquaredHinge(LossMetric):
    """See the loss of this name.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.SquaredHinge()
    >>> metric.update_state([[1.0, -1.0]], [[0.6, -0.4]])
    >>> round(metric.result(), 4)
    0.26
    """

    loss = losses.SquaredHinge


class CategoricalHinge(LossMetric):
    """See the loss of this name.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.CategoricalHinge()
    >>> metric.update_state([[0.0, 1.0]], [[0.6, 0.4]])
    >>> round(metric.result(), 4)
    1.2
    """

    loss = losses.CategoricalHinge


class CategoricalCrossentropy(LossMetric):
    """See the loss of this name.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`.
    from_logits, label_smoothing, axis : bool; float; int
        See the loss.

    Raises
    ------
    ValueError
        If `label_smoothing` is out of range, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.CategoricalCrossentropy()
    >>> metric.update_state([[0.0, 1.0]], [[0.2, 0.8]])
    >>> round(metric.result(), 4)
    0.2231
    """

    loss = losses.CategoricalCrossentropy

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self._loss = losses.CategoricalCrossentropy(from_logits, label_smoothing, axis)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | _settings(self._loss, "from_logits", "label_smoothing", "axis")


class SparseCategoricalCrossentropy(LossMetric):
    """See the loss of this name.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`.
    from_logits, ignore_class, axis : bool; int
        See the loss.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.SparseCategoricalCrossentropy()
    >>> metric.update_state([1], [[0.2, 0.8]])
    >>> round(metric.result(), 4)
    0.2231
    """

    loss = losses.SparseCategoricalCrossentropy

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self._loss = losses.SparseCategoricalCrossentropy(from_logits, ignore_class, axis=axis)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | _settings(self._loss, "from_logits", "ignore_class") | {"axis": -1}


class BinaryCrossentropy(LossMetric):
    """See the loss of this name.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`.
    from_logits, label_smoothing : bool; float
        See the loss.

    Raises
    ------
    ValueError
        If `label_smoothing` is out of range, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.BinaryCrossentropy()
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.2], [0.4]])
    >>> round(metric.result(), 4)
    0.4149
    """

    loss = losses.BinaryCrossentropy

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(name, dtype)
        self._loss = losses.BinaryCrossentropy(from_logits, label_smoothing)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | _settings(self._loss, "from_logits", "label_smoothing")


def _settings(loss: losses.Loss, *names: str) -> dict[str, Any]:
    return {name: loss.get_config()[name] for name in names}
