"""Where Keras keeps the weights of each layer in a file: paths of attributes and classes of the layers above it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..foundation.lookup import snake_case
from ..foundation.variable import Variable


def places(model: Any) -> dict[str, Any]:
    """Return the model, under the empty path, and the layers inside it, each under the first of its paths.

    In a list or a dict of layers, these are called by their classes and numbered, whatever their names are, which
    differ from one run of a program to the next.
    """
    found: dict[str, Any] = {}
    _place(model, "", found, set())
    return found


def _place(layer: Any, path: str, found: dict[str, Any], met: set[int]) -> None:
    if id(layer) in met:
        return
    met.add(id(layer))
    found[path] = layer
    for name, part in layer.named_parts():
        for child, leaf in _named(part, f"{path}/{name}" if path else name):
            _place(leaf, child, found, met)


def _named(part: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Return the layers that an attribute holds, and their paths."""
    if hasattr(part, "named_parts"):
        yield path, part
        return
    counts = Counter[str]()
    for entry in part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ():
        is_layer = hasattr(entry, "named_parts")
        if is_layer or isinstance(entry, list | tuple | dict):
            kind = snake_case(entry.keras_class_name) if is_layer else "container"
            number = f"_{counts[kind]}" if counts[kind] else ""
            counts[kind] += 1
            yield from _named(entry, f"{path}/{kind}{number}")


def own_variables(layer: Any) -> list[Variable]:
    """Return the weights of a layer that are not of layers inside it, those first that it was made to train."""
    inside = {id(v) for _, part in layer.named_parts() for _, leaf in _named(part, "") for v in leaf.weights}
    own = [variable for variable in layer.weights if id(variable) not in inside]
    in_order: list[Variable] = layer.in_file_order(own)
    return in_order
