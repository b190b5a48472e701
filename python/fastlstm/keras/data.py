"""From what users pass as data to batches: checking, weighting, splitting, shuffling."""

import math
import operator
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from .arrays import Array, any_numbers, as_array, user_stacklevel
from .random import generator

Batch: TypeAlias = tuple[Array, Array | None, Array | None]
"""x, y and sample weights."""

Check: TypeAlias = Callable[[Any, Any, Any], Batch]
"""Brings raw x, y and sample weights to the form the model takes, or raises."""


def checked_batch_size(batch_size: Any) -> int:
    """`batch_size` if it is a positive integer; 32 for None."""
    return 32 if batch_size is None else count("batch_size", batch_size)


def count(name: str, value: Any, least: int = 1) -> int:
    """`value` if it is an integer of at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: got {value!r}, wanted an integer of at least {least}") from None
    if number < least:
        raise ValueError(f"{name}: got {value!r}, wanted an integer of at least {least}")
    return number


def check_rows(**arrays: Array | None) -> int:
    """Return the number of rows that all arrays have."""
    sizes = {name: len(array) for name, array in arrays.items() if array is not None}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise ValueError(f"Data cardinality is ambiguous: {listed}; all must have the same number of rows")
    return next(iter(sizes.values()))


def weights_from_classes(y: Any, class_weight: Any) -> Array:
    """One sample weight a row: that of its class; classes that are not named weigh 1."""
    if not isinstance(class_weight, dict):
        raise TypeError(f"class_weight: got {class_weight!r}, wanted a dict from class numbers to weights")
    labels = any_numbers(y, "y")
    if labels.ndim > 1:
        labels = labels[..., 0] if labels.shape[-1] == 1 else labels.argmax(-1)
    if labels.ndim != 1:
        raise ValueError(f"class_weight: needs one label a row, got y of shape {np.shape(y)}; use sample_weight")
    classes, places = np.unique(np.round(labels).astype(np.int64), return_inverse=True)
    values = [float(class_weight.get(int(c), 1.0)) for c in classes]
    weights: Array = np.asarray(values, np.float32)[places]
    return weights


def sample_weights(y: Any, sample_weight: Any, class_weight: Any) -> Any:
    """Return the one of both that is given, as sample weights."""
    if class_weight is None:
        return sample_weight
    if sample_weight is not None:
        raise ValueError("class_weight and sample_weight are both given, wanted one of them")
    return weights_from_classes(y, class_weight)


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
    return weights


def split_rows(validation_split: float, *arrays: Array | None) -> tuple[list[Array | None], list[Array | None]]:
    """Return the first rows for training and the last fraction for validation."""
    if isinstance(validation_split, bool) or not 0 <= validation_split < 1:
        raise ValueError(f"validation_split: got {validation_split!r}, wanted a number from 0 to below 1")
    rows = check_rows(x=arrays[0], y=arrays[1], sample_weight=arrays[2])
    at = math.floor(rows * (1 - validation_split))
    if at in (0, rows):
        raise ValueError(
            f"validation_split: {validation_split} of {rows} rows leaves {at} for training and {rows - at} for "
            "validation; both need some"
        )
    return [a if a is None else a[:at] for a in arrays], [a if a is None else a[at:] for a in arrays]


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
        self.limit = None if limit is None else count("steps", limit)
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
            yield x[rows], None if y is None else y[rows], None if weights is None else weights[rows]

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

    Parameters
    ----------
    data
        Generator, other iterable, or an object with ``len(data)`` and ``data[i]``.
    check
        Applied to every batch.
    limit
        Batches an epoch; None: until the data ends.
    """

    def __init__(self, data: Any, check: Check, limit: int | None = None) -> None:
        self.data, self.check = data, check
        self.limit = None if limit is None else count("steps", limit)
        self.steps: int | None = self.limit or (len(data) if hasattr(data, "__len__") else None)
        self._running: Iterator[Any] | None = None

    def epoch(self) -> Iterator[Batch]:
        """Return the batches of one epoch."""
        if self._running is None or self.limit is None:
            self._running = iter(self._items())
        number = 0
        while self.limit is None or number < self.limit:
            item = next(self._running, None)
            if item is None:
                self._ended(number)
                return
            number += 1
            yield self.check(*_parts(item))

    def _items(self) -> Any:
        if hasattr(self.data, "__getitem__") and hasattr(self.data, "__len__"):
            return (self.data[i] for i in range(len(self.data)))
        return self.data

    def _ended(self, number: int) -> None:
        self._running = None
        if self.limit is not None or number == 0:
            wanted = "at least one batch" if self.limit is None else f"{self.limit} batches an epoch"
            message = f"the data ended after {number} batches of this epoch, wanted {wanted}"
            warnings.warn(message, UserWarning, stacklevel=user_stacklevel())


def _parts(item: Any) -> tuple[Any, Any, Any]:
    parts = item if isinstance(item, tuple | list) else (item,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(f"data: got a batch of {len(parts)} parts, wanted (x, y) or (x, y, sample_weight)")
    x, y, weights = (*parts, None, None)[:3]
    return x, y, weights


Source: TypeAlias = ArraySource | StreamSource


def is_stream(data: Any) -> bool:
    """Whether `data` gives batches rather than being an array."""
    if isinstance(data, list | tuple | str | bytes | dict) or hasattr(data, "__array__"):
        return False
    return hasattr(data, "__iter__") or (hasattr(data, "__len__") and hasattr(data, "__getitem__"))
