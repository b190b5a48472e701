"""The best of one part of the counts, at a threshold where another is good enough."""

from typing import Any, ClassVar

import numpy as np

from fastlstm import checks

from .thresholds import ThresholdMetric, even_thresholds


class OperatingPoint(ThresholdMetric):
    """Base of the metrics that look for the best threshold; see the classes.

    Parameters
    ----------
    value : float
        From 0 to 1: what the other part has to be at least.
    num_thresholds : int
        How many thresholds from 0 to 1 are tried.
    class_id : int, optional
        If given, the only entry of the last axis that counts.
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`; the default names are numbered.
    """

    wanted: ClassVar[str]
    """What is to be as large as possible."""
    given: ClassVar[str]
    """The argument, and what is to be no less than it."""
    measured: ClassVar[dict[str, str]] = {"sensitivity": "recall"}
    """Other names of the parts."""

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        self.value = checks.fraction(self.given, value)
        self.num_thresholds = checks.whole_number("num_thresholds", num_thresholds, at_least=1, at_most=2**20)
        thresholds = [0.5] if num_thresholds == 1 else even_thresholds(self.num_thresholds)
        super().__init__(thresholds, name, dtype, class_id=class_id)

    def result(self) -> float:
        """Return the largest value, 0 if no threshold is good enough."""
        wanted, given = (getattr(self.counts, self.measured.get(part, part)) for part in (self.wanted, self.given))
        return float(np.max(wanted, where=given >= self.value, initial=0.0))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"class_id": self.class_id, "num_thresholds": self.num_thresholds, self.given: self.value}
        return super().get_config() | own


class SensitivityAtSpecificity(OperatingPoint):
    """The largest part of the positive labels found, of all thresholds that find `specificity` of the negative ones.

    Parameters
    ----------
    specificity : float
        From 0 to 1.
    num_thresholds, class_id, name, dtype : int; str; dtype or DTypePolicy
        See `OperatingPoint`.

    Raises
    ------
    ValueError
        If `specificity`, `num_thresholds` or `class_id` is out of range, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metrics.SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])
    0.5
    """

    wanted, given = "sensitivity", "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(OperatingPoint):
    """The largest part of the negative labels found, of all thresholds that find `sensitivity` of the positive ones.

    Parameters
    ----------
    sensitivity : float
        From 0 to 1.
    num_thresholds, class_id, name, dtype : int; str; dtype or DTypePolicy
        See `OperatingPoint`.

    Raises
    ------
    ValueError
        If `sensitivity`, `num_thresholds` or `class_id` is out of range, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.SpecificityAtSensitivity(0.5)
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.2], [0.4]])
    >>> metric.result()
    1.0
    """

    wanted, given = "specificity", "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(OperatingPoint):
    """The largest precision of all thresholds with a recall of at least `recall`.

    Parameters
    ----------
    recall : float
        From 0 to 1.
    num_thresholds, class_id, name, dtype : int; str; dtype or DTypePolicy
        See `OperatingPoint`.

    Raises
    ------
    ValueError
        If `recall`, `num_thresholds` or `class_id` is out of range, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.PrecisionAtRecall(0.5)
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.2], [0.4]])
    >>> metric.result()
    1.0
    """

    wanted, given = "precision", "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(OperatingPoint):
    """The largest recall of all thresholds with a precision of at least `precision`.

    Parameters
    ----------
    precision : float
        From 0 to 1.
    num_thresholds, class_id, name, dtype : int; str; dtype or DTypePolicy
        See `OperatingPoint`.

    Raises
    ------
    ValueError
        If `precision`, `num_thresholds` or `class_id` is out of range, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metric = metrics.RecallAtPrecision(0.8)
    >>> metric.update_state([[1.0], [0.0], [1.0]], [[0.9], [0.2], [0.4]])
    >>> metric.result()
    1.0
    """

    wanted, given = "recall", "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
