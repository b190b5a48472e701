"""Batches out of arrays: splitting, shuffling, drawing."""

import math
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import cycle
from typing import Any, TypeAlias

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.carried import State, check_keys, set_generator
from ..foundation.late import Late
from ..foundation.random import generator
from .interrupts import Waiting, as_it_is
from .reading import AHEAD, Reader

Parts: TypeAlias = tuple[Array | None, ...]
"""An array for each input or output, None for one without."""

Batch: TypeAlias = tuple[tuple[Array, ...], Parts, Parts]
"""Inputs, labels and sample weights; labels and weights have an entry for each output, or none in what is predicted."""

_Taker: TypeAlias = Callable[[Array], Any]
"""Gathers rows."""

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
    first, last = [tuple([_halves(part, arrays) for arrays in batch]) for part in (slice(0, at), slice(at, None))]
    return first, last  # type: ignore[return-value]


def rows_of(part: slice, batch: Batch) -> Batch:
    """Return some rows of a batch."""
    xs, ys, weights = batch
    return tuple([x[part] for x in xs]), _taken(part, ys), _taken(part, weights)


def _copied_rows(part: slice, batch: Batch) -> Batch:
    """Return some rows of arrays that are read when they are copied."""
    xs, ys, weights = rows_of(part, batch)
    copies = [tuple([None if array is None else np.array(array) for array in arrays]) for arrays in (ys, weights)]
    return tuple([np.array(x) for x in xs]), copies[0], copies[1]


def is_mapped(array: Any) -> bool:
    """Whether an array is a view of a file."""
    array = array.array if isinstance(array, Late) else array
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap)


def _halves(part: slice, arrays: Parts) -> tuple[Any, ...]:
    """Return some rows of each array, of which there are many."""
    return tuple([array.rows(part) if isinstance(array, Late) else _taken(part, (array,))[0] for array in arrays])


def _taken(part: slice, arrays: Parts) -> Parts:
    return tuple([None if array is None else array[part] for array in arrays])


class ArraySource:
    """Batches out of arrays, which are already checked.

    Parameters
    ----------
    batch : Batch
        All rows.
    batch_size : int
        Rows of a batch; the last one of a pass may have fewer.
    shuffle : bool
        Whether every pass has an order of its own.
    limit : int, optional
        Batches an epoch. The next epoch goes on where this one stops.
    """

    def __init__(self, batch: Batch, batch_size: int, shuffle: bool = False, limit: int | None = None) -> None:
        self.batch, self.rows = batch, len(batch[0][0])
        self.batch_size, self.shuffle = batch_size, shuffle
        self.limit = limit
        self.steps: int | None = self.limit or -(-self.rows // batch_size)
        self._endless = self._repeat()
        self._next = 0
        """The first row of the next batch of a pass."""
        self._drawn_with: State | None = None
        """The state of the generator before the order of a pass was drawn."""
        self._resumed: State | None = None
        self._mapped = any(map(is_mapped, (*batch[0], *batch[1], *batch[2])))
        """Whether reading rows may mean to wait for a disk; then a thread reads ahead."""
        self._reader = Reader()

    def get_state(self, done: int) -> State:
        """Return where a pass is, for a checkpoint, when so many batches of an epoch are `done`."""
        return {"rows": self.rows, "batch_size": self.batch_size, "next": self._next, "order": self._drawn_with}

    def set_state(self, state: State, done: int) -> None:
        """Go on from what `get_state` gave when so many batches of an epoch were `done`."""
        if not done and self.limit is None:  # with a new pass
            return
        check_keys("x", state, self.get_state(done))
        for name, own in (("rows", self.rows), ("batch_size", self.batch_size)):
            if state[name] != own:
                must = f"be {state[name]}, as it was when the checkpoint was made in the middle of the data"
                checks.complain(ValueError, name, must, own)
        if self.shuffle != (state["order"] is not None) and state["next"]:
            must = f"be {not self.shuffle}, as it was when the checkpoint was made in the middle of the data"
            checks.complain(ValueError, "shuffle", must, self.shuffle)
        self._resumed = state

    def batch_sizes(self) -> set[int]:
        """Numbers of rows that the batches of a pass have."""
        rows, size = self.rows, self.batch_size
        return {min(rows, size), rows % size or min(rows, size)}

    def settle(self, state: State) -> None:
        """See `StreamSource.settle`; arrays have no state."""

    def check_first(self) -> None:
        """See `StreamSource.check_first`; arrays are checked."""

    def epoch(self, done: int = 0, ahead: bool = True, waiting: Waiting = as_it_is) -> Generator[Batch, None, None]:
        """Return the batches of one epoch but for those `done`. The x of one is valid until the next is drawn.

        What is read `ahead` changes nothing, and is so in any case. There is nothing of users to be `waiting` for.
        """
        if self.limit is None:
            self._reader = Reader()
            with self._reader:
                yield from self._pass()
            return
        with self._reader:
            for _ in range(done, self.limit):
                yield next(self._endless)

    def _repeat(self) -> Iterator[Batch]:
        while True:
            yield from self._pass()

    def _pass(self) -> Iterator[Batch]:
        state, self._resumed = self._resumed, None
        self._next, drawn_with = (0, None) if state is None else (state["next"], state["order"])
        if not self.shuffle:
            return self._in_order()
        order, self._drawn_with = drawn_order(self.rows, drawn_with)
        return self._shuffled(order)

    def _in_order(self) -> Iterator[Batch]:
        take = _copied_rows if self._mapped else rows_of
        return self._read(lambda start: take(self._part(start), self.batch))

    def _shuffled(self, order: Array) -> Iterator[Batch]:
        _, ys, weights = self.batch
        # Those of more than one batch, where some are read while training computes on another.
        takers_of_x = cycle([self._takers_of_x() for _ in range(1 + AHEAD * self._mapped)])
        # A metric of a user's own may keep labels and weights: these come in arrays of their own.
        take_y, take_weights = [_taker(y) for y in ys], [_taker(part) for part in weights]

        def gather(start: int) -> Batch:
            rows = order[self._part(start)]
            return _gathered(next(takers_of_x), rows), _gathered(take_y, rows), _gathered(take_weights, rows)

        return self._read(gather)

    def _takers_of_x(self) -> list[_Taker]:
        rows = min(self.batch_size, self.rows)
        return [_taker(x, np.empty((rows, *x.shape[1:]), x.dtype)) for x in self.batch[0]]

    def _part(self, start: int) -> slice:
        """Return which places of a pass the batch is made of that begins with one."""
        return slice(start, start + self.batch_size)

    def _read(self, gather: Callable[[int], Batch]) -> Iterator[Batch]:
        """Gather the batches of a pass from the next one on."""
        for start in range(self._next, self.rows, self.batch_size):
            batch = self._reader.take(partial(gather, start)) if self._mapped else gather(start)
            self._next = start + self.batch_size
            if self._mapped and self._next < self.rows:
                following = range(self._next, self.rows, self.batch_size)[:AHEAD]
                self._reader.offer([partial(gather, begin) for begin in following])
            yield batch


def drawn_order(count: int, before: State | None) -> tuple[Array, State]:
    """Draw an order of so many entries, and return the generator's state before that, too.

    Parameters
    ----------
    count : int
        Entries.
    before : State, optional
        Such a state, with which the order is that which was drawn then; None: a new order.
    """
    source = np.random.default_rng(0) if before else generator("order")
    if before:
        set_generator(source, before, "the order of the data")
    state: Any = source.bit_generator.state
    return source.permutation(count), state


def _gathered(takers: list[_Taker], rows: Array) -> tuple[Any, ...]:
    return tuple([take(rows) for take in takers])


def _taker(array: Array | None, buffer: Array | None = None) -> _Taker:
    """Return a function that gathers rows, by `take` where NumPy does not copy the whole array for it."""
    if array is None:
        return _nothing
    if isinstance(array, Late) or not array.flags.c_contiguous:
        return array.__getitem__

    def take(rows: Array) -> Array:
        # Any mode but "raise" makes NumPy write into `out` directly; the indices are right by construction.
        result: Array = array.take(rows, 0, None if buffer is None else buffer[: len(rows)], "clip")
        return result

    return take


def _nothing(rows: Array) -> None:
    return None
