"""Elements of data sets: tensors in tuples and dicts, one inside another. A list is a tensor, as in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fastlstm import checks


def nested(function: Callable[..., Any], structure: Any, *others: Any, name: str = "the structure") -> Any:
    """Return a structure of the same form with the `function` of its leaves, and what `others` have in their places."""
    if isinstance(structure, dict):
        for other in others:
            _check(name, isinstance(other, dict) and other.keys() == structure.keys(), structure, other)
        return {
            key: nested(function, part, *(other[key] for other in others), name=name) for key, part in structure.items()
        }
    if isinstance(structure, tuple):
        for other in others:
            _check(name, isinstance(other, tuple | list) and len(other) == len(structure), structure, other)
        return tuple([nested(function, *parts, name=name) for parts in zip(structure, *others, strict=True)])
    return function(structure, *others)


def _check(name: str, fits: bool, structure: Any, other: Any) -> None:
    if not fits:
        checks.complain(ValueError, name, f"have the form of {checks.shown(structure)}", checks.shown(other))


def leaves_of(structure: Any) -> Iterator[Any]:
    """Give the leaves of a structure, in the order of `nested`."""
    if isinstance(structure, dict | tuple):
        for part in structure.values() if isinstance(structure, dict) else structure:
            yield from leaves_of(part)
    else:
        yield structure


def filled(structure: Any, leaves: Iterable[Any]) -> Any:
    """Return a structure of the same form with these leaves."""
    values = iter(leaves)
    return nested(lambda leaf: next(values), structure)


def called(function: Callable[..., Any], element: Any) -> Any:
    """Return what a function of a user gives for an element: the entries of a tuple are its arguments."""
    return function(*element) if type(element) is tuple else function(element)
