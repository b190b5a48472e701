"""Lists, tuples and dicts of things, one inside another: what calls of layers and data of models are made of.

Dicts are taken apart by their sorted keys, as in Keras: what goes by place for one of them, a list of labels for a
model with a dict of outputs, is in that order. Trees that are made from another one keep its order of keys.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def sorted_keys(tree: dict[Any, Any]) -> list[Any]:
    """Return the keys of a dict in the order in which it is taken apart."""
    return sorted(tree, key=str)


def leaves(tree: Any) -> list[Any]:
    """Return what a tree holds, in order."""
    if isinstance(tree, dict):
        tree = [tree[key] for key in sorted_keys(tree)]
    if isinstance(tree, list | tuple):
        return [leaf for entry in tree for leaf in leaves(entry)]
    return [tree]


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of the same form with the `function` of every leaf, which is called in the order of `leaves`."""
    if isinstance(tree, dict):
        found = {key: mapped(function, tree[key]) for key in sorted_keys(tree)}
        return {key: found[key] for key in tree}
    if isinstance(tree, list | tuple):
        entries = [mapped(function, entry) for entry in tree]
        return entries if isinstance(tree, list) else tuple(entries)
    return function(tree)


def one_or_list(parts: list[Any]) -> Any:
    """Return the only part, or the list of several."""
    return parts if len(parts) > 1 else parts[0]


def unique(things: Iterable[Any]) -> list[Any]:
    """Return `things` without repetitions, by identity."""
    return list({id(thing): thing for thing in things}.values())


def filled(tree: Any, values: Iterator[Any]) -> Any:
    """Return a tree of the same form whose leaves are the next `values`: what `leaves` takes apart."""
    return mapped(lambda leaf: next(values), tree)


def holds_arrays(tree: Any) -> bool:
    """Whether there are arrays with axes among the leaves."""
    return any(hasattr(leaf, "shape") and len(leaf.shape) for leaf in leaves(tree))
