"""From what users pass as data to batches: checking, weighting, splitting, shuffling."""

import math
import warnings
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from fastlstm.checks import refuse

from .arrays import Array, as_array, user_stacklevel
from .random import generator
from .run_options import ClassWeights

Batch: TypeAlias = tuple[Array, Array | None, Array | None]
"""x, y and sample weights."""

NO_CLASS = -1
"""In place of the number of a class."""

_END = object()

Check: TypeAlias = Callable[[Any, Any, Any], Batch]
"""Brings raw x, y and sample weights to the form the model takes, or raises."""


def check_rows(**arrays: Array | None) -> int:
    """Return the number of rows that all arrays have."""
    sizes = {name: len(array) for name, array in arrays.items() if array is not None}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise ValueError(f"Data cardinality is ambiguous: {listed}; all must have the same number of rows")
    return next(iter(sizes.values()))


def weights_from_classes(labels: Array, ndim: int, classes: int | None, class_weight: ClassWeights) -> Array:
    """Sample weights by class: one a label, so one a step where there is a label at every step.

    Parameters
    ----------
    labels
        In the form the loss takes: class numbers, or in the shape of the output.
    ndim
        Number of axes of the output.
    classes
        How many there are, None if the output does not say.
    class_weight
        Classes that are not named weigh 1, as does what names no class (zeros or NaN, which fill up sequences).
    """
    if classes is not None and not all(0 <= name < classes for name in class_weight):
        raise ValueError(f"class_weight must name classes from 0 to {classes - 1}, got {sorted(class_weight)}")
    found, places = np.unique(_classes(labels, ndim), return_inverse=True)
    weights = np.asarray([class_weight.get(int(number), 1.0) for number in found], np.float32)
    result: Array = weights[places].reshape(labels.shape[: ndim - 1])
    return result


def _classes(labels: Array, ndim: int) -> Array:
    """Class numbers of labels; NO_CLASS where there is none."""
    if labels.ndim < ndim:
        return labels
    single = labels.shape[-1] == 1
    total = np.add.reduce(labels, axis=-1)
    named = np.isfinite(total) & (single | (total != 0))
    numbers = np.round(labels[..., 0]) if single else labels.argmax(-1)
    wrong = named & ~(_is_class(labels[..., 0]) if single else _is_distribution(labels, total))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"class_weight must go with labels of one class each, got {labels[place]} at {place} in y; "
            "use sample_weight for others"
        )
    return np.where(named, numbers, NO_CLASS).astype(np.int64)


def _is_class(labels: Array) -> Array:
    """Whether each is a whole number, or a probability."""
    result: Array = (labels == np.round(labels)) | ((labels > 0) & (labels < 1))
    return result


def _is_distribution(labels: Array, total: Array) -> Array:
    """Whether each row is one of probabilities; smoothed float32 labels add up to 1 within far less than 1e-3."""
    result: Array = (labels >= 0).all(-1) & (abs(total - 1) < 1e-3)
    return result


def check_weights(sample_weight: Any, dtype: np.dtype[Any], output_shape: tuple[int | None, ...]) -> Array | None:
    """Sample weights of shape (N,), or (N, T) for outputs with a time axis."""
    if sample_weight is None:
        return None
    weights = as_array(sample_weight, "sample_weight", dtype)
    if weights.ndim > 1 and weights.shape[-1] == 1 and weights.ndim >= len(output_shape):
        weights = weights[..., 0]
    if not 1 <= weights.ndim < len(output_shape) or any(
        size is not None and size != got for got, size in zip(weights.shape[1:], output_shape[1:], strict=False)
    ):
        wanted = " or ".join(str((None, *output_shape[1:i])) for i in range(1, len(output_shape)))
        raise ValueError(f"sample_weight: got shape {weights.shape}, wanted {wanted}")
    if not np.isfinite(weights).all():
        refuse(ValueError, "sample_weight", "an array of finite numbers", float(weights[~np.isfinite(weights)][0]))
    return weights


def split_rows(validation_split: float, x: Array, y: Array | None, weights: Array | None) -> tuple[Batch, Batch]:
    """Return the first rows for training and the last fraction for validation."""
    rows = len(x)
    at = math.floor(rows * (1 - validation_split))
    if at in (0, rows):
        raise ValueError(
            f"validation_split: {validation_split} of {rows} rows leaves {at} for training and {rows - at} for "
            "validation; both need some"
        )
    return _rows(slice(0, at), x, y, weights), _rows(slice(at, None), x, y, weights)


def _rows(part: slice, x: Array, y: Array | None, weights: Array | None) -> Batch:
    return x[part], None if y is None else y[part], None if weights is None else weights[part]


class ArraySource:
    """Batches out of arrays, which are already checked.

    Parameters
    ----------
    x, y, weights
        Arrays with the same number of rows; the last two may be None.
    batch_size
        Rows of a batch; the last one of a pass may have fewer.
    shuffle
        Whether every pass has an order of its own.
    limit
        Batches an epoch. The next epoch goes on where this one stops.
    """

    def __init__(
        self,
        x: Array,
        y: Array | None,
        weights: Array | None,
        batch_size: int,
        shuffle: bool = False,
        limit: int | None = None,
    ) -> None:
        self.rows = check_rows(x=x, y=y, sample_weight=weights)
        self.x, self.y, self.weights = x, y, weights
        self.batch_size, self.shuffle = batch_size, shuffle
        self.limit = limit
        self.steps: int | None = self.limit or -(-self.rows // batch_size)
        self._endless = self._repeat()

    def batch_sizes(self) -> set[int]:
        """Numbers of rows that the batches of a pass have."""
        rows, size = self.rows, self.batch_size
        return {min(rows, size), rows % size or min(rows, size)}

    def epoch(self) -> Iterator[Batch]:
        """Return the batches of one epoch. A batch is valid until the next one is drawn."""
        if self.limit is None:
            yield from self._pass()
            return
        for _ in range(self.limit):
            yield next(self._endless)

    def _repeat(self) -> Iterator[Batch]:
        while True:
            yield from self._pass()

    def _pass(self) -> Iterator[Batch]:
        return self._shuffled() if self.shuffle else self._in_order()

    def _in_order(self) -> Iterator[Batch]:
        x, y, weights, size = self.x, self.y, self.weights, self.batch_size
        for start in range(0, self.rows, size):
            rows = slice(start, start + size)
            yield _rows(rows, x, y, weights)

    def _shuffled(self) -> Iterator[Batch]:
        order = generator().permutation(self.rows)
        take_x, take_y, take_weights = (_taker(a, self.batch_size) for a in (self.x, self.y, self.weights))
        for start in range(0, self.rows, self.batch_size):
            rows = order[start : start + self.batch_size]
            yield take_x(rows), take_y(rows), take_weights(rows)


def _taker(array: Array | None, batch_size: int) -> Callable[[Array], Any]:
    """Return a function that gathers rows, into one buffer where NumPy does so without copying the whole array."""
    if array is None:
        return lambda rows: None
    if not array.flags.c_contiguous:
        return array.__getitem__
    buffer = np.empty((min(batch_size, len(array)), *array.shape[1:]), array.dtype)

    def take(rows: Array) -> Array:
        # Any mode but "raise" makes NumPy write into `out` directly; the indices are right by construction.
        result: Array = np.take(array, rows, axis=0, out=buffer[: len(rows)], mode="clip")
        return result

    return take


class StreamSource:
    """Batches out of an iterable of ``(x, y)`` or ``(x, y, sample_weight)``.

    Its methods ``on_epoch_begin`` and ``on_epoch_end``, if it has any, are called around every epoch.

    Parameters
    ----------
    data
        Generator, other iterable, or an object with ``len(data)`` and ``data[i]``.
    check
        Applied to every batch.
    limit
        Batches an epoch; None: until the data ends.
    shuffle
        Whether batches that have numbers come in an order of their own every time.
    """

    def __init__(self, data: Any, check: Check, limit: int | None = None, shuffle: bool = False) -> None:
        self.data, self.check, self.limit, self.shuffle = data, check, limit, shuffle
        self.numbered = hasattr(data, "__getitem__") and hasattr(data, "__len__")
        length = _length(data)
        if length == 0:
            self._refuse_nothing()
        self.steps: int | None = self.limit or length
        self._running: Iterator[Any] | None = None
        self._found_any, self._drawn_ahead = False, False

    def look_ahead(self) -> None:
        """Draw the first batch for the next epoch and raise if there is none, or if it does not fit the model."""
        if self.numbered:  # which says how many there are, and may count what is asked of it
            return
        running = iter(self._items())
        item = next(running, _END)
        if item is _END:
            self._refuse_nothing()
        self.check(*_parts(item))
        self._running, self._drawn_ahead = chain([item], running), True

    def _refuse_nothing(self) -> None:
        raise ValueError("x: got no batches, wanted at least one")

    def epoch(self) -> Iterator[Batch]:
        """Return the batches of one epoch."""
        self._tell("on_epoch_begin")
        if self._running is None or (self.limit is None and not self._drawn_ahead):
            self._running = iter(self._items())
        self._drawn_ahead = False
        number = 0
        while self.limit is None or number < self.limit:
            item = next(self._running, _END)
            if item is _END:
                self._ended(number)
                break
            number += 1
            self._found_any = True
            yield self.check(*_parts(item))
        self._tell("on_epoch_end")

    def _tell(self, event: str) -> None:
        method = getattr(self.data, event, None)
        if callable(method):
            method()

    def _items(self) -> Any:
        if not self.numbered:
            return self.data
        length = len(self.data)
        order = generator().permutation(length).tolist() if self.shuffle else range(length)
        return (self.data[i] for i in order)

    def _ended(self, number: int) -> None:
        self._running = None
        if not self._found_any:
            self._refuse_nothing()
        if self.limit is not None or number == 0:
            wanted = "at least one batch" if self.limit is None else f"{self.limit} batches an epoch"
            message = f"the data ended after {number} batches of this epoch, wanted {wanted}"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())


def _length(data: Any) -> int | None:
    """Return the number of batches, None where it is not known."""
    try:
        return len(data)
    except TypeError:  # also from a __len__ that cannot say
        return None


def _parts(item: Any) -> tuple[Any, Any, Any]:
    parts = item if isinstance(item, tuple | list) else (item,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(f"data: got a batch of {len(parts)} parts, wanted (x, y) or (x, y, sample_weight)")
    x, y, weights = (*parts, None, None)[:3]
    return x, y, weights


Source: TypeAlias = ArraySource | StreamSource


def is_stream(data: Any) -> bool:
    """Whether `data` gives batches rather than being an array."""
    if isinstance(data, list | tuple | str | bytes | dict) or hasattr(data, "__array__") or _is_buffer(data):
        return False
    return hasattr(data, "__iter__") or (hasattr(data, "__len__") and hasattr(data, "__getitem__"))


def _is_buffer(data: Any) -> bool:
    """Whether NumPy makes an array of the memory of `data`, such as a memoryview."""
    try:
        memoryview(data)
    except TypeError:
        return False
    return True
