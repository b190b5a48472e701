"""One entry for each output of a model, out of what users give: a list, a dict by name, or one entry alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from fastlstm import checks

from ..foundation.trees import holds_arrays, leaves

Tree: TypeAlias = Any
"""One entry for all outputs, a list of one for each, or a dict by their names."""


def mapped_entries(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """Return the `function` of every entry, in the same form."""
    if isinstance(tree, dict) and not _is_description(tree):
        return {name: function(entry) for name, entry in tree.items()}
    if isinstance(tree, list | tuple):
        return [function(entry) for entry in tree]
    return function(tree)


def entries_of(tree: Tree) -> list[Any]:
    """Return the entries, whatever output they are for."""
    if isinstance(tree, dict) and not _is_description(tree):
        return list(tree.values())
    return list(tree) if isinstance(tree, list | tuple) else [tree]


def _is_description(tree: dict[Any, Any]) -> bool:
    """Whether a dict describes one loss or metric, by its class and settings."""
    return {"class_name", "config"} <= set(tree)


def settings_of(argument: str, tree: Tree, names: Sequence[str], every: bool = False) -> list[Any]:
    """Return the entry of each output; a dict leaves None where it has none, unless it must have `every` name."""
    must = f"have an entry for each of the outputs {list(names)}"
    if isinstance(tree, dict):
        check_names(argument, tree, names)
        missing = [name for name in names if name not in tree]
        if every and missing:
            cure = f"; add {missing[0]!r}, with None for an output without"
            checks.complain(ValueError, argument, must, sorted(tree), cure)
        return [tree.get(name) for name in names]
    if isinstance(tree, list):
        if len(tree) != len(names):
            checks.complain(ValueError, argument, must, len(tree))
        return tree
    return [tree] * len(names)


def arrays_of(argument: str, data: Any, names: Sequence[str]) -> list[Any]:
    """Return the array of each output; None where a dict has none. A list of one array is that array."""
    if isinstance(data, dict | list | tuple) and _is_nested(data):
        data = leaves(data)
    if isinstance(data, dict):
        check_names(argument, data, names)
        return [data.get(name) for name in names]
    if len(names) == 1:
        return [data[0] if is_list_of_arrays(data) and len(data) == 1 else data]
    if not isinstance(data, list | tuple) or len(data) != len(names):
        wanted = f"a list or dict of one array for each of the outputs {list(names)}"
        checks.refuse_count(argument, wanted, data)
    return list(data)


def weights_of(weights: Any, names: Sequence[str]) -> list[Any]:
    """Return the sample weights of each output: one array is for all of them."""
    if len(names) == 1:
        several = isinstance(weights, dict) or is_list_of_arrays(weights)
    else:
        listed = isinstance(weights, list | tuple) and any(part is None or hasattr(part, "__len__") for part in weights)
        several = isinstance(weights, dict) or listed
    return arrays_of("sample_weight", weights, names) if several else [weights] * len(names)


def check_names(argument: str, tree: dict[Any, Any], names: Sequence[str]) -> None:
    """Raise if a key of a dict is not the name of an output."""
    unknown = [name for name in tree if name not in names]
    if unknown:
        must = f"name outputs of the model, {list(names)}"
        checks.complain(ValueError, argument, must, checks.shown(unknown[0]))


def is_list_of_arrays(data: Any) -> bool:
    """Whether this is a list with an entry an output, rather than one array written as a list."""
    entries = data if isinstance(data, list | tuple) else ()
    return any(getattr(entry, "shape", ()) != () for entry in entries) and all(
        entry is None or hasattr(entry, "shape") for entry in entries
    )


def _is_nested(data: Any) -> bool:
    """Whether there are lists or dicts of arrays inside, as outputs may be nested."""
    entries = data.values() if isinstance(data, dict) else data
    return any(isinstance(entry, list | tuple | dict) and holds_arrays(entry) for entry in entries)
