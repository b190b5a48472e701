"""Lists, tuples and dicts of things, one inside another: what calls of layers and data of models are made of."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """Return what a tree holds, in order; of a dict in the order of its keys' insertion."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [leaf for entry in tree for leaf in leaves(entry)]
    return [tree]


def sorted_leaves(tree: Any) -> list[Any]:
    """Return what a tree holds, of a dict in the order of its sorted keys."""
    if isinstance(tree, dict):
        tree = [tree[key] for key in sorted(tree)]
    if isinstance(tree, list | tuple):
        return [leaf for entry in tree for leaf in sorted_leaves(entry)]
    return [tree]


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of the same form with the `function` of every leaf."""
    if isinstance(tree, dict):
        return {key: mapped(function, entry) for key, entry in tree.items()}
    if isinstance(tree, list | tuple):
        entries = [mapped(function, entry) for entry in tree]
        return entries if isinstance(tree, list) else tuple(entries)
    return function(tree)


def unique(things: Iterable[Any]) -> list[Any]:
    """Return `things` without repetitions, by identity."""
    return list({id(thing): thing for thing in things}.values())


def filled(tree: Any, values: Iterator[Any]) -> Any:
    """Return a tree of the same form whose leaves are the next `values`: what `leaves` takes apart."""
    return mapped(lambda leaf: next(values), tree)
