"""Labels that are shorter than the outputs and lie somewhere along them."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, as_array
from ..foundation.core import softmax_and_log
from .base import Counted, Loss, Slope
from .entries import scaled

BLANK = 0
"""The class of no label, and what fills up labels."""


class CTC(Loss):
    """``-log(p)`` of the probability `p` that the outputs spell the label: connectionist temporal classification.

    The outputs, of shape (rows, steps, classes), are logits. At every step they say a class or, with class 0, nothing;
    classes that follow each other without a gap count once. Labels are class numbers of shape (rows, length), filled up
    with 0 at the end. `p` is the sum over all ways to spell the label; if there are too few steps for any, the loss is
    infinite and its slope 0.

    Parameters
    ----------
    reduction, name, dtype : str; dtype or DTypePolicy, optional
        See `Loss`.

    Raises
    ------
    ValueError
        If `reduction` is unknown, or labels and outputs do not fit.
    TypeError
        If `reduction` has another type.

    References
    ----------
    Graves and others, Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with Recurrent Neural
    Networks, ICML 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlstm.keras import losses
    >>> two_steps_of_two_classes = np.zeros((1, 2, 2))
    >>> round(float(losses.CTC()([[1]], two_steps_of_two_classes)), 4)  # of four ways, 01, 10 and 11: -log(3 / 4)
    0.2877
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def prepare(self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Array:
        """Class numbers as integers, all within range, zeros at the end only."""
        return self.prepare_counted(y, output_shape, dtype, lambda: None)

    def prepare_counted(
        self, y: Any, output_shape: tuple[int | None, ...], dtype: np.dtype[Any], counted: Counted
    ) -> Array:
        """Class numbers; zeros in place of labels that do not count."""
        if len(output_shape) != 3:
            checks.refuse_shape("the output for the loss 'ctc'", "(batch, steps, classes)", output_shape)
        labels = as_array(y, "y", np.dtype(np.float64), "an array of class numbers")
        if labels.ndim != 2:
            checks.refuse_shape("y", "(batch, length)", labels.shape)
        classes = output_shape[-1]
        assert classes is not None
        numbers = np.where((labels >= 0) & (labels < classes), labels, -1).astype(np.int64)
        wrong = (numbers != labels).any(axis=1) | ((numbers[:, :-1] == BLANK) & (numbers[:, 1:] != BLANK)).any(axis=1)
        counts = counted() if wrong.any() else None
        if counts is not None and counts.shape[:1] == wrong.shape:
            idle = ~counts.reshape(len(counts), -1).any(axis=1)
            numbers[idle] = BLANK
            wrong &= ~idle
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            wanted = f"hold whole numbers from 0 to {classes - 1}, zeros at the end of rows only"
            checks.complain(ValueError, "y", wanted, f"{checks.shown(labels[row].tolist())} at row {row}")
        return numbers

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of every row."""
        return _forward(_spelled(y_true), y_pred).losses.astype(y_pred.dtype)

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        """Return the derivative with respect to `y_pred`."""
        spelled = _spelled(y_true)
        return _slope(spelled, _forward(spelled, y_pred), y_pred)

    def with_pullback(self, y_true: Array, y_pred: Array) -> tuple[Array, Slope]:
        """See `Loss`; goes along the outputs once for both."""
        spelled = _spelled(y_true)
        found = _forward(spelled, y_pred)
        return found.losses.astype(y_pred.dtype), partial(scaled, _slope(spelled, found, y_pred))

    def with_mask(self, y_true: Array, y_pred: Array, mask: Array) -> tuple[Array, Slope, Array | None]:
        """See `Loss.with_mask`: the outputs are those of the steps that are there; rows without any do not count."""
        if mask.shape != y_pred.shape[:2]:
            checks.refuse_shape("a mask for the loss 'ctc'", f"{y_pred.shape[:2]}, rows and steps", mask.shape)
        order = np.argsort(~mask, axis=1, kind="stable")[..., None]  # steps that are there come first
        spelled, lengths = _spelled(y_true), np.count_nonzero(mask, axis=1)
        found = _forward(spelled, np.take_along_axis(y_pred, order, axis=1), lengths)

        def pullback(weights: Array | None, scale: float) -> Array:
            slope, ordered = np.empty_like(y_pred), np.take_along_axis(y_pred, order, axis=1)
            np.put_along_axis(slope, order, _slope(spelled, found, ordered), axis=1)
            return scaled(slope, weights, scale)

        return found.losses.astype(y_pred.dtype), pullback, lengths > 0


class _Spelled(NamedTuple):
    """Labels with a blank before, between and after their classes; N rows, S states."""

    classes: Array
    """(N, S): of every state."""
    ends: Array
    """(N, S): 0 for the two states in which the outputs may end, else minus infinity."""
    skips: Array
    """(N, S): 0 where the blank before may be left out, else minus infinity."""


class _Forward(NamedTuple):
    emitted: Array
    """(T, N, S): logarithms of the probabilities of the classes of the states."""
    earlier: Array
    """(T, N, S): of all ways to the states, these included."""
    losses: Array
    """(N,)"""
    there: Array
    """(T, N): which steps there are, the first ones of every row."""


def _spelled(labels: Array) -> _Spelled:
    rows, length = labels.shape
    classes = np.full((rows, 2 * length + 1), BLANK)
    classes[:, 1::2] = labels
    skips = np.full(classes.shape, -np.inf)
    skips[:, 3::2] = np.where(labels[:, 1:] != labels[:, :-1], 0, -np.inf)
    last = 2 * np.count_nonzero(labels != BLANK, axis=1)[:, None]
    places = np.arange(classes.shape[1])
    return _Spelled(classes, np.where((places == last) | (places == last - 1), 0, -np.inf), skips)


def _forward(spelled: _Spelled, logits: Array, lengths: Array | None = None) -> _Forward:
    steps = softmax_and_log(logits.astype(np.float64))[1].transpose(1, 0, 2)
    emitted = np.take_along_axis(steps, np.broadcast_to(spelled.classes, (len(steps), *spelled.classes.shape)), axis=2)
    earlier = np.full_like(emitted, -np.inf)
    earlier[0, :, :2] = emitted[0, :, :2]
    rows, length = logits.shape[:2]
    there = np.arange(length)[:, None] < (np.full(rows, length) if lengths is None else lengths)
    for t in range(1, len(emitted)):
        before = earlier[t - 1]
        after = emitted[t] + _log_sum(before, _moved(before, 1), _moved(before, 2) + spelled.skips)
        earlier[t] = np.where(there[t, :, None], after, before)
    losses = -np.logaddexp.reduce(earlier[-1] + spelled.ends, axis=-1)
    return _Forward(emitted, earlier, losses, there)


def _backward(spelled: _Spelled, emitted: Array, there: Array) -> Array:
    """Return the logarithms of all ways from the states on, these not included; (T, N, S)."""
    later = np.empty_like(emitted)
    later[-1] = spelled.ends
    for t in range(len(emitted) - 2, -1, -1):
        after = later[t + 1] + emitted[t + 1]
        before = _log_sum(after, _moved(after, -1), _moved(after + spelled.skips, -2))
        later[t] = np.where(there[t + 1, :, None], before, spelled.ends)
    return later


def _slope(spelled: _Spelled, found: _Forward, logits: Array) -> Array:
    """Return softmax less the probability of every class at every step, given the label."""
    ways = found.earlier + _backward(spelled, found.emitted, found.there)
    possible = np.isfinite(found.losses)
    at_states = np.exp(ways + np.where(possible, found.losses, 0)[:, None])
    of_class = spelled.classes[..., None] == np.arange(logits.shape[-1])
    slope = softmax_and_log(logits)[0] - at_states.transpose(1, 0, 2) @ of_class.astype(np.float64)
    counts = found.there.T[..., None] & possible[:, None, None]
    result: Array = np.where(counts, slope, 0).astype(logits.dtype)
    return result


def _moved(values: Array, places: int) -> Array:
    """`values` moved along the states, with minus infinity where nothing comes from."""
    moved = np.full_like(values, -np.inf)
    if places > 0:
        moved[:, places:] = values[:, :-places]
    else:
        moved[:, :places] = values[:, -places:]
    return moved


def _log_sum(*logarithms: Array) -> Array:
    """Return the logarithm of the sum of what these are the logarithms of."""
    largest = np.maximum.reduce(logarithms)
    largest[largest == -np.inf] = 0
    with np.errstate(divide="ignore"):
        result: Array = np.log(sum(np.exp(part - largest) for part in logarithms)) + largest
    return result
