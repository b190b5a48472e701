"""Configs that stand alone: for files that have no other place for what a layer found out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Blocks(threading.local):
    """How many such blocks this thread is in."""

    count = 0


_BLOCKS = _Blocks()


@contextmanager
def whole_configs() -> Iterator[None]:
    """Let configs that are made in a block have vocabularies that were found, too."""
    _BLOCKS.count += 1
    try:
        yield
    finally:
        _BLOCKS.count -= 1


def are_whole() -> bool:
    """Whether this thread is in such a block."""
    return _BLOCKS.count > 0
