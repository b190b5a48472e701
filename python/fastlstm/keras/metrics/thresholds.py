"""Outputs above and below thresholds, counted by their labels."""

from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from .. import losses
from ..foundation import settings
from ..foundation.arrays import Array, any_numbers
from ..foundation.lookup import auto_name
from .base import Metric


class Counts(NamedTuple):
    """Weights of the entries with label and output positive or negative, one for every threshold."""

    true_positives: Array
    false_positives: Array
    true_negatives: Array
    false_negatives: Array

    @property
    def precision(self) -> Array:
        """Part of the positive outputs that is right."""
        return quotient(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> Array:
        """Part of the positive labels that is found; also called sensitivity."""
        return quotient(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> Array:
        """Part of the negative labels that is found."""
        return quotient(self.true_negatives, self.true_negatives + self.false_positives)


class ThresholdMetric(Metric):
    """Base of the metrics that compare outputs with thresholds.

    Labels are of the shape of the outputs; other than 0 is positive, and so is an output above a threshold.

    Parameters
    ----------
    thresholds : list of float
        Numbers.
    name, dtype : str; dtype or DTypePolicy, optional
        See `Metric`; the default names are numbered.
    top_k : int, optional
        If given, an output also has to be among the `top_k` largest of the last axis.
    class_id : int, optional
        If given, the only entry of the last axis that counts.
    """

    direction = "up"

    def __init__(
        self,
        thresholds: list[float],
        name: str | None,
        dtype: Any,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        super().__init__(auto_name(type(self).__name__) if name is None else name, dtype)
        self.top_k = None if top_k is None else checks.whole_number("top_k", top_k, at_least=1)
        self.class_id = None if class_id is None else checks.whole_number("class_id", class_id, at_least=0)
        self._thresholds = np.asarray(thresholds, np.float64)
        self._counts = np.zeros((4, len(thresholds)))

    @property
    def counts(self) -> Counts:
        """What was counted so far."""
        return Counts(*self._counts)

    def check(self, y_true: Array, output_shape: tuple[int | None, ...]) -> None:
        """See `Metric`."""
        _check_shape(self.name, y_true.shape, output_shape)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch."""
        y_pred = losses.as_outputs(y_pred)
        labels, outputs = alike(self.name, any_numbers(y_true, "y_true"), y_pred)
        weights = entry_weights(sample_weight, outputs.shape)
        if self.top_k is not None:
            outputs = np.where(_is_among_largest(outputs, self.top_k), outputs, -np.inf)
        if self.class_id is not None:
            self._check_class(outputs)
            labels, outputs, weights = (part[..., self.class_id] for part in (labels, outputs, weights))
        self._count(labels != 0, outputs, weights)

    def _check_class(self, outputs: Array) -> None:
        assert self.class_id is not None
        if outputs.ndim < 2 or outputs.shape[-1] <= self.class_id:
            wanted = f"be below the number of classes, for outputs of shape {outputs.shape}"
            checks.complain(ValueError, "class_id", wanted, self.class_id)

    def _count(self, labels: Array, outputs: Array, weights: Array) -> None:
        self._counts += counted(labels.reshape(-1), outputs.reshape(-1), weights.reshape(-1), self._thresholds)

    def reset_state(self) -> None:
        """Forget everything."""
        super().reset_state()
        self._counts = np.zeros_like(self._counts)


def counted(labels: Array, outputs: Array, weights: Array, thresholds: Array) -> Array:
    """Return the four `Counts` of flat arrays of entries.

    Outputs are compared as float32 if they are such: one of 0.1 is not above a threshold of 0.1. Where thresholds are
    spread evenly from 0 to 1, outputs beyond these count as them, as in Keras.
    """
    order = np.argsort(thresholds, kind="stable")
    if is_even(thresholds):
        outputs = np.clip(outputs, 0, 1)
    # How many of the thresholds, in their order, an output is above; NaN is above none.
    passed = np.searchsorted(thresholds[order].astype(outputs.dtype), outputs, side="left")
    passed[np.isnan(outputs)] = 0
    found = np.empty((4, len(thresholds)))
    for positive, negative, chosen in ((0, 3, labels), (1, 2, ~labels)):
        by_passed = np.bincount(passed[chosen], weights[chosen], minlength=len(thresholds) + 1)
        above = by_passed[::-1].cumsum()[::-1]
        found[positive, order] = above[1:]
        found[negative, order] = above[0] - above[1:]
    return found


def is_even(thresholds: Array) -> bool:
    """Whether there are three or more, spread evenly from 0 to 1."""
    count = len(thresholds)
    return count > 2 and np.allclose(thresholds, np.linspace(0, 1, count), rtol=0, atol=1.1 * settings.epsilon())


def even_thresholds(count: int) -> list[float]:
    """Return numbers from 0 to 1 in equal steps."""
    return [i / (count - 1) for i in range(count)]


def checked_thresholds(thresholds: Any, default: float) -> list[float]:
    """Return the thresholds that a number, a list, or None for the default stands for."""
    if thresholds is None:
        return [default]
    if not isinstance(thresholds, list | tuple | np.ndarray):
        return [checks.fraction("thresholds", thresholds)]
    if not len(thresholds):
        checks.refuse(ValueError, "thresholds", "a number from 0 to 1, or a list of such", thresholds)
    return [checks.fraction("thresholds: each", value) for value in thresholds]


def quotient(part: Array, whole: Array) -> Array:
    """`part` of `whole`, 0 of nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)


def single(values: Array) -> Any:
    """Return the one of `values`, or a copy of all if they are several."""
    return float(values[0]) if len(values) == 1 else values.copy()


def alike(owner: str, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return labels and outputs of one shape: with or without a last axis of length one."""
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    _check_shape(owner, y_true.shape, y_pred.shape)
    if len(y_true) != len(y_pred):
        checks.complain(ValueError, "y_true", f"have the rows of y_pred {y_pred.shape}", f"shape {y_true.shape}")
    return y_true, y_pred


def _check_shape(owner: str, labels: tuple[int, ...], outputs: tuple[int | None, ...]) -> None:
    if labels[-1:] == (1,) and len(labels) == len(outputs) + 1:
        labels = labels[:-1]
    if outputs[-1:] == (1,) and len(labels) == len(outputs) - 1:
        outputs = outputs[:-1]
    if not losses.fits(labels[1:], outputs[1:]) or len(labels) != len(outputs):
        cure = f"; metric {owner!r} compares them entry by entry; for class numbers use to_categorical(y)"
        checks.refuse_shape("y_true", f"{(None, *outputs[1:])}, that of the outputs", labels, cure)


def entry_weights(sample_weight: Any, shape: tuple[int, ...]) -> Array:
    """Return a weight for every entry, from those of the first axes; 1 for None."""
    if sample_weight is None:
        return np.ones(shape)
    weights = any_numbers(sample_weight, "sample_weight").astype(np.float64)
    if weights.ndim > len(shape) and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.ndim > len(shape) or any(a not in (1, b) for a, b in zip(weights.shape, shape, strict=False)):
        checks.complain(ValueError, "sample_weight", f"have the first axes of {shape}", weights.shape)
    return np.broadcast_to(losses.expand(weights, len(shape)), shape)


def _is_among_largest(outputs: Array, k: int) -> Array:
    """Whether each is one of the `k` largest of the last axis; of equal ones the first are."""
    places = np.argsort(-outputs, axis=-1, kind="stable")[..., :k]
    found = np.zeros(outputs.shape, np.bool_)
    np.put_along_axis(found, places, True, axis=-1)
    return found
