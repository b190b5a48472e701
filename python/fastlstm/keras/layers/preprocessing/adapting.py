"""Data that a layer learns from before training."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from fastlstm import checks


def batches_of(data: Any, steps: int | None, name: str, lists_are_whole: bool) -> Iterator[Any]:
    """Give the batches of data: an array is one, and an iterable gives them.

    Parameters
    ----------
    data : array_like or iterable
        An array, or an iterable of batches.
    steps : int, optional
        Batches to stop after; not for an array.
    name : str
        Of the layer.
    lists_are_whole : bool
        Whether a list is an array, not a list of batches.
    """
    whole = hasattr(data, "__array__") or (lists_are_whole and isinstance(data, list | tuple))
    if steps is not None:
        steps = checks.whole_number(f"{name}: steps", steps, at_least=1)
        if whole:
            checks.complain(ValueError, f"{name}: steps", "be None where data is an array or a list", steps)
    if whole:
        return iter([data])
    if isinstance(data, str | bytes | dict) or not isinstance(data, Iterable):
        checks.refuse(TypeError, f"{name}: data", "an array, or an iterable of batches", data)
    return islice(data, steps)
