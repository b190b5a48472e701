"""Lists, tuples and dicts of things, one inside another: what calls of layers and data of models are made of."""

from collections.abc import Callable, Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """Return what a tree holds, in order; of a dict in the order of its keys' insertion."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [leaf for entry in tree for leaf in leaves(entry)]
    return [tree]


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of the same form with the `function` of every leaf."""
    if isinstance(tree, dict):
        return {key: mapped(function, entry) for key, entry in tree.items()}
    if isinstance(tree, list | tuple):
        entries = [mapped(function, entry) for entry in tree]
        return entries if isinstance(tree, list) else tuple(entries)
    return function(tree)


def filled(tree: Any, values: Iterator[Any]) -> Any:
    """Return a tree of the same form whose leaves are the next `values`: what `leaves` takes apart."""
    return mapped(lambda leaf: next(values), tree)
