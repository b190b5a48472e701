"""Elements in another order, in parts and in windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

END = object()


def shuffled(elements: Iterator[Any], size: int | None, numbers: np.random.Generator) -> Iterator[Any]:
    """Give any element of a buffer of so many, whose place the next one takes; None: of all."""
    buffer = list(islice(elements, size))
    for element in elements:
        place = int(numbers.integers(len(buffer)))
        yield buffer[place]
        buffer[place] = element
    while buffer:
        place = int(numbers.integers(len(buffer)))
        buffer[place], buffer[-1] = buffer[-1], buffer[place]
        yield buffer.pop()


def interleaved(
    elements: Iterator[Any], inner: Callable[[Any], Iterable[Any]], cycle: int, block: int
) -> Iterator[Any]:
    """Give blocks of the elements of so many inner data sets in turn; where one ends, the next one begins.

    Parameters
    ----------
    elements : iterator
        Of which inner data sets are made.
    inner : callable
        Makes them.
    cycle : int
        How many are open at a time.
    block : int
        Elements to give of one before its neighbour's turn.
    """
    running: list[Iterator[Any] | None] = [None] * cycle
    ended, place = False, 0
    while not ended or any(part is not None for part in running):
        part = running[place]
        if part is None and not ended:
            element = next(elements, END)
            ended = element is END
            part = running[place] = None if ended else iter(inner(element))
        if part is not None:
            given = 0
            for item in islice(part, block):
                given += 1
                yield item
            running[place] = part if given == block else None
        place = (place + 1) % cycle


def windows(elements: Iterator[Any], size: int, shift: int, stride: int, drop_remainder: bool) -> Iterator[list[Any]]:
    """Give windows of `size` elements, `stride` apart, each `shift` elements after the one before."""
    span = (size - 1) * stride + 1
    buffer: list[Any] = list(islice(elements, span))
    while buffer and (len(buffer) == span or not drop_remainder):
        yield buffer[::stride]
        for _ in islice(elements, max(shift - len(buffer), 0)):
            pass
        buffer = buffer[shift:]
        buffer += islice(elements, span - len(buffer))
