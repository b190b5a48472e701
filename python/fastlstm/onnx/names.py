"""Names in a graph and in the graphs inside: that they are text, and which of them anything takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastlstm import checks

MOST_NODES = 100_000
"""Of a graph and the graphs inside: each takes a hundred times the memory that it may have in the file."""


def names_used(graph: Any, owner: str) -> set[str]:
    """Return the names that nodes and outputs of a graph and of the graphs inside take; refuse one that is no text."""
    found: set[str] = set()
    waiting, count = [graph], 0
    while waiting:
        current = waiting.pop()
        count += len(current.node)
        if count > MOST_NODES:
            checks.complain(ValueError, owner, f"have at most {MOST_NODES} nodes", "more")
        _check_texts(_names_beside_nodes(current), owner)
        found.update(proto.name for proto in current.output)
        for number, node in enumerate(current.node):
            _check_texts(_names_in(node), f"{owner}: node {number}")
            found.update(node.input)
            waiting.extend(_graphs_in(node))
    return found


def _names_beside_nodes(graph: Any) -> list[str]:
    parts = (*graph.initializer, *graph.input, *graph.output)
    return [graph.name, *(proto.name for proto in parts)]


def _names_in(node: Any) -> list[str]:
    own = [node.name, node.op_type, node.domain, *node.input, *node.output]
    return own + [part.name for part in node.attribute]


def _graphs_in(node: Any) -> Iterable[Any]:
    return (attribute.g for attribute in node.attribute if attribute.HasField("g"))


def _check_texts(texts: list[Any], owner: str) -> None:
    if not {*map(type, texts)} <= _TEXT:
        for text in texts:
            check_text(text, owner)


_TEXT = {str}


def check_text(text: Any, owner: str) -> None:
    """Refuse bytes that are no UTF-8, which the package onnx hands on as bytes."""
    if not isinstance(text, str):
        checks.refuse(ValueError, f"{owner}: names", "text in UTF-8", text)
