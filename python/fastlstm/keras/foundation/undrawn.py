"""Weights that a file replaces as soon as they are there: drawing them would be in vain, and the file bounds them."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastlstm import checks

MOST_TRIED = 2**23
"""Numbers of arrays on which a function is tried to find its shapes; entries of a list as long as a config says."""


class _Block(threading.local):
    """How many numbers the file of such a block has left for this thread; None: there is no block."""

    left: int | None = None


_BLOCK = _Block()


@contextmanager
def undrawn(numbers: int) -> Iterator[None]:
    """Let weights that are made in a block be 0, where an initializer of this package would draw them.

    Parameters
    ----------
    numbers
        How many a file has for them: before more are allocated there is a ValueError.
    """
    outer, _BLOCK.left = _BLOCK.left, numbers
    try:
        yield
    finally:
        _BLOCK.left = outer


def is_undrawn() -> bool:
    """Whether this thread is in such a block."""
    return _BLOCK.left is not None


def claim(shape: tuple[int, ...], argument: str) -> None:
    """Count the numbers of a weight that is to be made; in a block, raise ValueError if the file has not as many."""
    if _BLOCK.left is None:
        return
    if math.prod(shape) > _BLOCK.left:
        must = f"be of at most {_BLOCK.left} numbers, which are what the file has left for it"
        checks.complain(ValueError, argument, must, checks.shown(shape))
    _BLOCK.left -= math.prod(shape)


def within_reason(numbers: int, argument: str) -> None:
    """In a block, raise ValueError if more numbers than `MOST_TRIED` are to be allocated for anything but weights."""
    if is_undrawn() and numbers > MOST_TRIED:
        cure = "; if it is meant so, make the model in Python and call load_weights()"
        checks.complain(ValueError, argument, f"take at most {MOST_TRIED} numbers in a file", numbers, cure)
