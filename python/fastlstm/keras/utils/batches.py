"""Data sets of batches that are made of entries with numbers, in an order of their own every time or in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array
from ..pipelines.passes import Seeds


def batches_of_entries(
    entries: Array, batch_size: int | None, orders: Seeds | None, make: Callable[[Array], Any]
) -> Iterator[Any]:
    """Give batches of entries.

    Parameters
    ----------
    entries : ndarray
        Numbers, each that of an entry.
    batch_size : int, optional
        Entries of a batch; None: entries one by one.
    orders : Seeds, optional
        The seeds of orders of the entries; None: that of `entries`.
    make : callable
        Makes a batch of the numbers of its entries, which is an array without axes for one.
    """
    ordered = entries if orders is None else np.random.default_rng(next(orders)).permutation(entries)
    for start in range(0, len(ordered), batch_size or 1):
        yield make(ordered[start, ...] if batch_size is None else ordered[start : start + batch_size])


def number_of_batches(entries: Array, batch_size: int | None) -> int:
    """Return how many batches there are."""
    return -(-len(entries) // (batch_size or 1))


def orders_of(shuffle: Any, seed: Any) -> Seeds | None:
    """Return the seeds of orders; None: there is one order."""
    return Seeds(checks.seed("seed", seed), anew=True) if checks.truth("shuffle", shuffle) else None


def size_of(batch_size: Any) -> int | None:
    """`batch_size` as a number of entries; None: entries come one by one."""
    return None if batch_size is None else checks.whole_number("batch_size", batch_size, at_least=1)
