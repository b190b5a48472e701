"""The area under a curve that the thresholds draw."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ..activations import stable_sigmoid
from ..foundation import settings
from ..foundation.arrays import Array
from .thresholds import Counts, ThresholdMetric, counted, even_thresholds, quotient

CURVES = ("ROC", "PR", "PRGAIN")
METHODS = ("interpolation", "majoring", "minoring")


class AUC(ThresholdMetric):
    """Area under the curve of recall over the part of negative labels taken for positive, or of another one.

    Parameters
    ----------
    num_thresholds : int
        How many thresholds from 0 to 1 the curve has, its ends among them.
    curve : str
        ``"ROC"``, ``"PR"`` for precision over recall, or ``"PRGAIN"`` for their gains.
    summation_method : str
        ``"interpolation"`` for trapezia, and for ``"PR"`` what Davis and Goadrich found; ``"minoring"`` or
        ``"majoring"`` for the smaller or larger height of every piece.
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`; the default names are numbered.
    thresholds : sequence of float, optional
        In place of `num_thresholds`, those between the ends.
    multi_label : bool
        Whether every entry of the last axis gets a curve of its own; the result is the mean of the areas.
    num_labels : int, optional
        How many these are; by default what the outputs say.
    label_weights : sequence of float, optional
        Of the entries of the last axis.
    from_logits : bool
        Whether the outputs are to go through a sigmoid first.

    Raises
    ------
    ValueError
        If `num_thresholds` or `num_labels` is out of range, `curve` or `summation_method` is unknown,
        `thresholds` or `label_weights` has another form, or labels and outputs do not fit.
    TypeError
        If an argument has another type.

    References
    ----------
    Davis and Goadrich, The Relationship Between Precision-Recall and ROC Curves, ICML 2006.

    Examples
    --------
    >>> from fastlstm.keras import metrics
    >>> metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
    0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        self.curve = checks.one_of("curve", curve.upper() if isinstance(curve, str) else curve, CURVES)
        method = summation_method.lower() if isinstance(summation_method, str) else summation_method
        self.summation_method = checks.one_of("summation_method", method, METHODS)
        inner = _between("thresholds", thresholds)
        self.thresholds = None if inner is None else sorted(inner)
        count = checks.whole_number("num_thresholds", num_thresholds, at_least=2, at_most=2**20)
        inside = even_thresholds(count)[1:-1] if self.thresholds is None else self.thresholds
        super().__init__([-settings.epsilon(), *inside, 1 + settings.epsilon()], name, dtype)
        self.num_thresholds = len(self._thresholds)
        self.multi_label = checks.truth("multi_label", multi_label)
        self.num_labels = None if num_labels is None else checks.size("num_labels", num_labels)
        if self.num_labels is not None and not self.multi_label:
            checks.complain(ValueError, "num_labels", "be None unless multi_label is True", num_labels)
        self.label_weights = _weights("label_weights", label_weights)
        self.from_logits = checks.truth("from_logits", from_logits)

    def _count(self, labels: Array, outputs: Array, weights: Array) -> None:
        if self.from_logits:
            outputs = stable_sigmoid(outputs)
        if self.label_weights is not None:
            self._check_labels("label_weights", len(self.label_weights), outputs)
        if not self.multi_label:
            super()._count(labels, outputs, weights * (1 if self.label_weights is None else self.label_weights))
            return
        if outputs.ndim < 2:
            checks.refuse_shape("y_pred", "(batch, labels)", outputs.shape)
        self._check_labels("num_labels", self.num_labels or outputs.shape[-1], outputs)
        columns = [part.reshape(-1, outputs.shape[-1]).T for part in (labels, outputs, weights)]
        found = [counted(*parts, self._thresholds) for parts in zip(*columns, strict=True)]  # type: ignore[call-arg]
        self._counts = self._counts.reshape(4, len(self._thresholds), -1) + np.stack(found, axis=-1)

    def _check_labels(self, name: str, count: int, outputs: Array) -> None:
        if count != outputs.shape[-1]:
            wanted = f"be as many as the outputs of shape {outputs.shape} have at the end"
            checks.complain(ValueError, name, wanted, count)

    def result(self) -> float:
        """Return the area so far."""
        areas = np.asarray(self._areas(self.counts))
        if not self.multi_label or areas.ndim == 0:
            return float(areas)
        return float(np.average(areas, weights=self.label_weights))

    def _areas(self, counts: Counts) -> Array:
        """Return the area, or that of every label."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _interpolated(counts)
        x, y = _points(counts, self.curve)
        heights = {"interpolation": (y[:-1] + y[1:]) / 2, "minoring": np.minimum(y[:-1], y[1:])}
        chosen = heights.get(self.summation_method, np.maximum(y[:-1], y[1:]))
        result: Array = np.add.reduce((x[:-1] - x[1:]) * chosen, axis=0)
        return result

    def reset_state(self) -> None:
        """Forget everything."""
        super().reset_state()
        self._counts = np.zeros((4, len(self._thresholds)))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("num_thresholds", "curve", "summation_method", "multi_label", "num_labels", "label_weights")
        own = {name: getattr(self, name) for name in (*names, "from_logits")}
        if self.thresholds is not None:
            own["thresholds"] = self.thresholds
        return super().get_config() | own


def _points(counts: Counts, curve: str) -> tuple[Array, Array]:
    """Return the coordinates of the curve at every threshold."""
    tp, fp, tn, fn = counts
    if curve == "ROC":
        return quotient(fp, fp + tn), counts.recall
    if curve == "PR":
        return counts.recall, counts.precision
    odds = quotient(tp + fn, tn + fp)
    x = np.where(tp == 0, 0.0, 1 - odds * quotient(fn, tp))
    y = np.where(tp == 0, 1.0, 1 - odds * quotient(fp, tp))
    return np.maximum(x, 0), y


def _interpolated(counts: Counts) -> Array:
    """Return the area under precision over recall.

    Between two thresholds, true positives grow in proportion to all positive outputs `p`; the area of a piece is the
    integral of ``tp / p`` over ``tp``, which has a logarithm in it.
    """
    tp, p = counts.true_positives, counts.true_positives + counts.false_positives
    rise = tp[:-1] - tp[1:]
    slope = quotient(rise, np.maximum(p[:-1] - p[1:], 0))
    start = tp[1:] - slope * p[1:]
    both = (p[:-1] > 0) & (p[1:] > 0)
    ratio = np.divide(p[:-1], p[1:], out=np.ones_like(rise), where=both)
    pieces = quotient(slope * (rise + start * np.log(ratio)), np.maximum(tp[1:] + counts.false_negatives[1:], 0))
    result: Array = np.add.reduce(pieces, axis=0)
    return result


def _between(name: str, values: Any) -> list[float] | None:
    if values is None:
        return None
    return [checks.fraction(f"{name}: each", value) for value in checks.items(name, values, "a list of numbers")]


def _weights(name: str, values: Any) -> list[float] | None:
    if values is None:
        return None
    given = list(values) if isinstance(values, np.ndarray) and values.ndim == 1 else values
    found = checks.items(name, given, "a list of numbers of at least 0, not all 0")
    found = [checks.real_number(f"{name}: each", value, at_least=0) for value in found]
    if not any(found):
        checks.refuse(ValueError, name, "a list of numbers of at least 0, not all 0", values)
    return found
