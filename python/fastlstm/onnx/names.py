"""Names in a graph and in the graphs inside: that they are text, and which of them anything takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from fastlstm import checks

MOST_NODES = 100_000
"""Of a graph and the graphs inside: each takes a hundred times the memory that it may have in the file."""


def names_used(graph: Any, owner: str) -> set[str]:
    """Return the names that nodes and outputs of a graph and of the graphs inside take."""
    found: set[str] = set()
    waiting, count = [graph], 0
    while waiting:
        current = waiting.pop()
        count += len(current.node)
        if count > MOST_NODES:
            checks.complain(ValueError, owner, f"have at most {MOST_NODES} nodes", "more")
        found.update(proto.name for proto in current.output)
        for node in current.node:
            found.update(node.input)
            waiting.extend(_graphs_in(node))
    return found


def _graphs_in(node: Any) -> Iterable[Any]:
    return (attribute.g for attribute in node.attribute if attribute.HasField("g"))


def check_names_beside_nodes(graph: Any, owner: str) -> None:
    """Refuse a name of a graph, its constants, inputs or outputs that is no text."""
    parts = (*graph.initializer, *graph.input, *graph.output)
    check_texts([graph.name, *(proto.name for proto in parts)], owner)


def check_names_in(node: Any, owner: str) -> None:
    """Refuse a name in a node that is no text, but for those of its attributes."""
    check_texts([node.name, node.op_type, node.domain, *node.input, *node.output], owner)


def check_texts(texts: Collection[Any], owner: str) -> None:
    """Refuse bytes among texts."""
    if not {*map(type, texts)} <= _TEXT:
        for text in texts:
            check_text(text, owner)


_TEXT = {str}


def check_text(text: Any, owner: str) -> None:
    """Refuse bytes that are no UTF-8, which the package onnx hands on as bytes."""
    if not isinstance(text, str):
        checks.refuse(ValueError, f"{owner}: names", "text in UTF-8", text)
