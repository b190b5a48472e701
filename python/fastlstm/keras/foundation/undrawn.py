"""Weights that a file replaces as soon as they are there: drawing them would be in vain, and the file bounds them."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager

from fastlstm import checks
from fastlstm.scopes import Scoped

MOST_TRIED = 2**23
"""Numbers of arrays on which a function is tried to find its shapes; entries of a list as long as a config says."""


class _Left:
    """How many numbers a file has left."""

    def __init__(self, numbers: int) -> None:
        self.numbers = numbers


_left = Scoped[_Left | None]("left", None)


def undrawn(numbers: int) -> AbstractContextManager[object]:
    """Let weights that are made in a block be 0, where an initializer of this package would draw them.

    Parameters
    ----------
    numbers : int
        How many a file has for them: before more are allocated there is a ValueError.
    """
    return _left.being(_Left(numbers))


def is_undrawn() -> bool:
    """Whether this thread is in such a block."""
    return _left.get() is not None


def claim(shape: tuple[int, ...], argument: str) -> None:
    """Count the numbers of a weight that is to be made; in a block, raise ValueError if the file has not as many."""
    left = _left.get()
    if left is None:
        return
    if math.prod(shape) > left.numbers:
        must = f"be of at most {left.numbers} numbers, which are what the file has left for it"
        checks.complain(ValueError, argument, must, checks.shown(shape))
    left.numbers -= math.prod(shape)


def within_reason(numbers: int, argument: str) -> None:
    """In a block, raise ValueError if more numbers than `MOST_TRIED` are to be allocated for anything but weights."""
    if is_undrawn() and numbers > MOST_TRIED:
        cure = "; if it is meant so, make the model in Python and call load_weights()"
        checks.complain(ValueError, argument, f"take at most {MOST_TRIED} numbers in a file", numbers, cure)
