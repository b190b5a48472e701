"""How many entries are found, missed, and taken for what they are not."""

from collections.abc import Sequence
from typing import Any

from ..foundation.configs import plain
from .thresholds import ThresholdMetric, checked_thresholds, single


class ConfusionCount(ThresholdMetric):
    """Base of the metrics that are one of the four counts.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        A number from 0 to 1, or a list of such, each of which gets a count; None: 0.5.
    name, dtype : str; dtype or DTypePolicy, optional
        See `ThresholdMetric`.
    """

    counted: str

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(checked_thresholds(thresholds, 0.5), name, dtype)
        self.thresholds = plain(thresholds)

    def result(self) -> Any:
        """Return the count so far, or an array of one for every threshold."""
        return single(getattr(self.counts, self.counted))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"thresholds": self.thresholds}


class TruePositives(ConfusionCount):
    """Number of positive labels with a positive output, or the sum of their weights.

    Parameters
    ----------
    thresholds, name, dtype : sequence of float; str; dtype or DTypePolicy
        See `ConfusionCount`.

    Raises
    ------
    ValueError
        If `thresholds` has another form, or labels and outputs do not fit.
    TypeError
        If `thresholds` has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metrics.TruePositives()([1, 1, 0], [0.9, 0.2, 0.8])
    1.0
    """

    counted = "true_positives"


class FalsePositives(ConfusionCount):
    """Number of negative labels with a positive output, or the sum of their weights.

    Parameters
    ----------
    thresholds, name, dtype : sequence of float; str; dtype or DTypePolicy
        See `ConfusionCount`.

    Raises
    ------
    ValueError
        If `thresholds` has another form, or labels and outputs do not fit.
    TypeError
        If `thresholds` has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.FalsePositives()
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.2], [0.4]])
    >>> metric.result()
    0.0
    """

    direction = "down"
    counted = "false_positives"


class TrueNegatives(ConfusionCount):
    """Number of negative labels with a negative output, or the sum of their weights.

    Parameters
    ----------
    thresholds, name, dtype : sequence of float; str; dtype or DTypePolicy
        See `ConfusionCount`.

    Raises
    ------
    ValueError
        If `thresholds` has another form, or labels and outputs do not fit.
    TypeError
        If `thresholds` has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.TrueNegatives()
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.2], [0.4]])
    >>> metric.result()
    1.0
    """

    counted = "true_negatives"


class FalseNegatives(ConfusionCount):
    """Number of positive labels with a negative output, or the sum of their weights.

    Parameters
    ----------
    thresholds, name, dtype : sequence of float; str; dtype or DTypePolicy
        See `ConfusionCount`.

    Raises
    ------
    ValueError
        If `thresholds` has another form, or labels and outputs do not fit.
    TypeError
        If `thresholds` has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.FalseNegatives()
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.2], [0.4]])
    >>> metric.result()
    1.0
    """

    direction = "down"
    counted = "false_negatives"
