"""From what users pass as data to batches: splitting, shuffling, drawing."""

import math
import warnings
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, user_stacklevel
from ..foundation.random import generator

Parts: TypeAlias = tuple[Array | None, ...]
"""An array for each input or output, None for one without."""

Batch: TypeAlias = tuple[tuple[Array, ...], Parts, Parts]
"""Inputs, labels and sample weights; labels and weights have an entry for each output, or none in what is predicted."""

_Taker: TypeAlias = Callable[[Array], Any]
"""Gathers rows."""

_END = object()

Check: TypeAlias = Callable[[Any, Any, Any], Batch]
"""Brings raw x, y and sample weights to the form the model takes, or raises."""


def nothing_known(xs: tuple[Array, ...]) -> Batch:
    """Return inputs without labels and weights, as they are predicted."""
    return xs, (), ()


def check_rows(**arrays: Array | None) -> int:
    """Return the number of rows that all arrays have."""
    sizes = {name: len(array) for name, array in arrays.items() if array is not None}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{size} in {name}" for name, size in sizes.items())
        checks.complain(ValueError, ", ".join(sizes), "have the same number of rows", listed)
    return next(iter(sizes.values()))


def split_rows(validation_split: float, batch: Batch) -> tuple[Batch, Batch]:
    """Return the first rows for training and the last fraction for validation."""
    rows = len(batch[0][0])
    at = math.floor(rows * (1 - validation_split))
    if at in (0, rows):
        got = f"{validation_split} of {rows}, which leaves {at} and {rows - at}"
        checks.complain(ValueError, "validation_split", "leave rows for training and for validation", got)
    return _rows(slice(0, at), batch), _rows(slice(at, None), batch)


def _rows(part: slice, batch: Batch) -> Batch:
    xs, ys, weights = batch
    return tuple([x[part] for x in xs]), _taken(part, ys), _taken(part, weights)


def _taken(part: slice, arrays: Parts) -> Parts:
    return tuple([None if array is None else array[part] for array in arrays])


class ArraySource:
    """Batches out of arrays, which are already checked.

    Parameters
    ----------
    batch
        All rows.
    batch_size
        Rows of a batch; the last one of a pass may have fewer.
    shuffle
        Whether every pass has an order of its own.
    limit
        Batches an epoch. The next epoch goes on where this one stops.
    """

    def __init__(self, batch: Batch, batch_size: int, shuffle: bool = False, limit: int | None = None) -> None:
        self.batch, self.rows = batch, len(batch[0][0])
        self.batch_size, self.shuffle = batch_size, shuffle
        self.limit = limit
        self.steps: int | None = self.limit or -(-self.rows // batch_size)
        self._endless = self._repeat()

    def batch_sizes(self) -> set[int]:
        """Numbers of rows that the batches of a pass have."""
        rows, size = self.rows, self.batch_size
        return {min(rows, size), rows % size or min(rows, size)}

    def epoch(self) -> Iterator[Batch]:
        """Return the batches of one epoch. The x of a batch is valid until the next one is drawn."""
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
        for start in range(0, self.rows, self.batch_size):
            yield _rows(slice(start, start + self.batch_size), self.batch)

    def _shuffled(self) -> Iterator[Batch]:
        order = generator().permutation(self.rows)
        xs, ys, weights = self.batch
        take_x = [_taker(x, np.empty((min(self.batch_size, len(x)), *x.shape[1:]), x.dtype)) for x in xs]
        # A metric of a user's own may keep labels and weights: these come in arrays of their own.
        take_y, take_weights = [_taker(y) for y in ys], [_taker(part) for part in weights]
        for start in range(0, self.rows, self.batch_size):
            rows = order[start : start + self.batch_size]
            yield _gathered(take_x, rows), _gathered(take_y, rows), _gathered(take_weights, rows)


def _gathered(takers: list[_Taker], rows: Array) -> tuple[Any, ...]:
    return tuple([take(rows) for take in takers])


def _taker(array: Array | None, buffer: Array | None = None) -> _Taker:
    """Return a function that gathers rows, by `take` where NumPy does not copy the whole array for it."""
    if array is None:
        return _nothing
    if not array.flags.c_contiguous:
        return array.__getitem__

    def take(rows: Array) -> Array:
        # Any mode but "raise" makes NumPy write into `out` directly; the indices are right by construction.
        result: Array = array.take(rows, 0, None if buffer is None else buffer[: len(rows)], "clip")
        return result

    return take


def _nothing(rows: Array) -> None:
    return None


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
        length = _length(data)
        self.numbered = hasattr(data, "__getitem__") and length is not None
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

    def check_first(self) -> None:
        """Check the first batch, for a model that only data can build."""
        if self.numbered:
            self.check(*_parts(self.data[0]))
        else:
            self.look_ahead()

    def _refuse_nothing(self) -> None:
        checks.complain(ValueError, "x", "give at least one batch", "none")

    def epoch(self) -> Iterator[Batch]:
        """Return the batches of one epoch."""
        self._tell("on_epoch_begin")
        if self._running is None or (self.limit is None and not self._drawn_ahead):
            self._running = iter(self._items())
        self._drawn_ahead = False
        number = 0
        while self.limit is None or number < self.limit:
            item = next(self._running, _END)
            if item is _END and number == 0 and self.numbered:  # the epoch before took the last of them
                self._running = iter(self._items())
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
    """Return the number of batches, None where it is not known: a ``__len__`` that cannot say raises one of these."""
    try:
        return len(data)
    except (TypeError, NotImplementedError):
        return None


def _parts(item: Any) -> tuple[Any, Any, Any]:
    parts = item if isinstance(item, tuple | list) else (item,)
    if not 1 <= len(parts) <= 3:
        checks.complain(ValueError, "a batch", "be (x, y) or (x, y, sample_weight)", f"{len(parts)} parts")
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
