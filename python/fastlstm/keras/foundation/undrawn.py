"""Weights that are replaced as soon as they are there, so that drawing them would be in vain."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Blocks(threading.local):
    """How many such blocks this thread is in."""

    count = 0


_BLOCKS = _Blocks()


@contextmanager
def undrawn() -> Iterator[None]:
    """Let weights that are made in a block be 0, where an initializer of this package would draw them."""
    _BLOCKS.count += 1
    try:
        yield
    finally:
        _BLOCKS.count -= 1


def is_undrawn() -> bool:
    """Whether this thread is in such a block."""
    return _BLOCKS.count > 0
