"""What a rank has of a batch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

from ...distribution import DataParallel
from ...foundation.arrays import Array
from ..data import ArraySource, Batch, Check, Parts, rows_of
from ..interrupts import Waiting, as_it_is
from ..streams import StreamSource


class Shares(NamedTuple):
    """In place of the arrays of a `Batch` those of each part that a rank has of it.

    Where all of them are without rows there is one more: the first row of the batch, which shows how large things are
    and counts for nothing.
    """

    xs: list[tuple[Array, ...]]
    ys: list[Parts]
    weights: list[Parts]


class Cut:
    """How batches are cut.

    Parameters
    ----------
    distribution : DataParallel
        Says which rows are whose.
    """

    def __init__(self, distribution: DataParallel) -> None:
        self.distribution = distribution

    def own(self, count: int) -> slice:
        """Return which rows of a batch this rank has, or the first."""
        parts = self._parts(count)
        first, last = parts[0].start, parts[-1].stop
        return slice(first, last) if last > first else slice(0, 1)

    def shares(self, rows: Batch, count: int) -> Shares:
        """Return the parts of this rank, for the rows that are its `own` of a batch of `count` rows."""
        parts, first = self._parts(count), self.own(count).start
        own = [slice(part.start - first, part.stop - first) for part in parts]
        if parts[0].start == parts[-1].stop:
            own = [slice(0, 0)] * len(parts) + [slice(0, 1)]
        found = [rows_of(part, rows) for part in own]
        return Shares(*map(list, zip(*found, strict=True)))

    def whole(self, batch: Batch) -> Shares:
        """Return the parts of this rank of a whole batch."""
        count = len(batch[0][0])
        return self.shares(rows_of(self.own(count), batch), count)

    def agreed(self, batch: Batch) -> Shares:
        """Return the parts of this rank of a batch that must have as many rows on every rank, or raise."""
        self.agree_on_rows(len(batch[0][0]))
        return self.whole(batch)

    def agree_on_rows(self, count: int) -> None:
        """Raise unless the next batch has so many rows on every rank; 0: there is none."""
        self.distribution.agree("the number of rows of a batch", count)

    def _parts(self, count: int) -> list[slice]:
        return [self.distribution.rows(part, count) for part in self.distribution.own_parts]


class JointArrays(ArraySource):
    """Shares of batches out of arrays; a rank gathers its own rows alone."""

    def __init__(self, cut: Cut, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._cut = cut

    def _part(self, start: int) -> slice:
        own = self._cut.own(self._count(start))
        return slice(start + own.start, start + own.stop)

    def _count(self, start: int) -> int:
        return min(self.batch_size, self.rows - start)

    def _read(self, gather: Callable[[int], Batch]) -> Iterator[Batch]:
        return super()._read(lambda start: self._cut.shares(gather(start), self._count(start)))  # type: ignore


class JointStream(StreamSource):
    """Shares of batches out of an iterable, which gives the same batches on every rank."""

    def __init__(self, cut: Cut, data: Any, check: Check, *args: Any, **options: Any) -> None:
        super().__init__(data, check, *args, **options)
        self._cut = cut

    def epoch(self, done: int = 0, ahead: bool = True, waiting: Waiting = as_it_is) -> Generator[Batch, None, None]:
        """See `StreamSource.epoch`; ValueError if batches are others on other ranks."""
        for batch in super().epoch(done, ahead, waiting):
            yield self._cut.agreed(batch)  # type: ignore[misc]
        self._cut.agree_on_rows(0)
