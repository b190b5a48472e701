"""Means and sums of values, and of what a function makes of labels and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlstm import checks

from .. import losses
from ..foundation.arrays import Array, any_numbers
from ..foundation.lookup import function_name
from ..foundation.serialization import described_function, restored, serialize_keras_object
from .base import Metric

if TYPE_CHECKING:
    from typing_extensions import Self


class Mean(Metric):
    """The mean of values.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy
        See `Metric`.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> mean = metrics.Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> mean.update_state([5.0], sample_weight=[2.0])
    >>> mean.result()
    3.5
    """

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in values, a number or an array."""
        self.add(any_numbers(values, "values").astype(np.float64), sample_weight)


class Sum(Metric):
    """The sum of values.

    Parameters
    ----------
    name, dtype : str; dtype or DTypePolicy
        See `Metric`.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metrics.Sum()([1.0, 3.0], sample_weight=[2.0, 0.0])
    2.0
    """

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in values, a number or an array."""
        found = any_numbers(values, "values").astype(np.float64)
        if sample_weight is not None:
            found = losses.weighted(found, any_numbers(sample_weight, "sample_weight"))
        self.total += float(np.add.reduce(found, axis=None))

    def result(self) -> float:
        """Return the sum so far."""
        return self.total


class MeanMetricWrapper(Metric):
    """A function ``fn(y_true, y_pred, **kwargs)`` as a metric: the value of every entry or row, or one number a batch.

    Parameters
    ----------
    fn : callable
        What is averaged. Of one number a batch all batches count alike.
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`; the name is by default that of the function.
    **kwargs : keyword arguments
        What it is called with beside labels and outputs.

    Raises
    ------
    ValueError
        If labels and outputs do not fit.
    TypeError
        If `fn` has another type.

    Examples
    --------
    >>> from fastlstm.keras import losses, metrics
    >>> metrics.MeanMetricWrapper(losses.huber, delta=2.0)([[0.0]], [[3.0]])
    4.0
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        self.fn = checks.function("fn", fn)
        self.kwargs = kwargs
        super().__init__(function_name(fn) if name is None else name, dtype)

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return what the function gives; labels come in the dtype of the outputs, as in Keras."""
        return np.asarray(self.fn(y_true.astype(y_pred.dtype, copy=False), y_pred, **self.kwargs))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; a function by its name, ValueError for a lambda."""
        described: dict[str, Any] = serialize_keras_object(self.kwargs)
        return super().get_config() | {"fn": described_function(self.fn)} | described

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a metric like the one that gave `config`; the function must be known or registered."""
        return super().from_config(restored(checks.settings("config", config)))
