"""Data that come in batches, which are made anew every time they are gone through."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..foundation.random import generator

if TYPE_CHECKING:
    from typing_extensions import Self


class Batches:
    """Base class of such data; a subclass says what a batch is.

    Parameters
    ----------
    entries
        What the batches are made of: numbers, each that of an entry.
    batch_size
        Entries of a batch; None: entries one by one.
    order
        What draws an order for every time; None: that of `entries`.
    """

    def __init__(self, entries: Array, batch_size: int | None, order: np.random.Generator | None = None) -> None:
        self.entries, self.batch_size, self.order = entries, batch_size, order
        self._most: int | None = None

    def __len__(self) -> int:
        there = -(-len(self.entries) // (self.batch_size or 1))
        return there if self._most is None else min(there, self._most)

    def __iter__(self) -> Iterator[Any]:
        entries = self.entries if self.order is None else self.order.permutation(self.entries)
        for number in range(len(self)):
            size = self.batch_size
            yield self.batch_of(entries[number] if size is None else entries[number * size :][:size])

    def batch_of(self, entries: Any) -> Any:
        """Return the batch of some entries, or of one."""
        raise NotImplementedError(f"{type(self).__name__} must define batch_of(entries)")

    def take(self, count: int) -> Self:
        """Return data of the first `count` batches of every time; of all for -1."""
        count = checks.whole_number("count", count, at_least=-1)
        taken = copy(self)
        taken._most = self._most if count == -1 else min(count, len(self))
        return taken


def order_of(shuffle: Any, seed: Any) -> np.random.Generator | None:
    """Return what draws orders; None: there is one order."""
    if not checks.truth("shuffle", shuffle):
        return None
    return generator() if seed is None else np.random.default_rng(checks.whole_number("seed", seed, at_least=0))


def size_of(batch_size: Any) -> int | None:
    """`batch_size` as a number of entries; None: entries come one by one."""
    return None if batch_size is None else checks.whole_number("batch_size", batch_size, at_least=1)
