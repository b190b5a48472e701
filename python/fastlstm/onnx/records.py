"""Graphs of a file as plain values: of a message every look at a list takes about a microsecond, so each has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastlstm import checks

from .names import check_texts

MOST_NODES = 100_000
"""Of a graph and the graphs inside: each takes a hundred times the memory that it may have in the file."""

_GRAPH = 5
"""The type of an attribute that is a graph."""


class NodeRecord(NamedTuple):
    """A node."""

    op: str
    domain: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    attributes: dict[str, Any]
    """Messages, by their names."""
    graphs: dict[str, GraphRecord]
    """Those of the attributes that are graphs."""
    label: str
    """What errors call it."""


class GraphRecord(NamedTuple):
    """A graph."""

    owner: str
    """What errors call it."""
    initializers: Sequence[Any]
    """Messages of the tensors."""
    nodes: Sequence[NodeRecord]
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    """Messages that describe them."""
    used: set[str]
    """Names that nodes and outputs take, here and in the graphs inside."""


def graph_record(graph: Any, owner: str) -> GraphRecord:
    """Read the main graph of a model."""
    return _Reading(owner).graph(graph, owner)


class _Reading:
    """Reads the graphs of a model, and counts their nodes."""

    def __init__(self, owner: str) -> None:
        self._owner, self._count = owner, 0

    def graph(self, graph: Any, owner: str) -> GraphRecord:
        self._count += len(graph.node)
        if self._count > MOST_NODES:
            checks.complain(ValueError, self._owner, f"have at most {MOST_NODES} nodes", "more")
        initializers, inputs, outputs = graph.initializer[:], graph.input[:], graph.output[:]
        named = [proto.name for proto in outputs]
        check_texts([graph.name, *named, *[proto.name for proto in (*initializers, *inputs)]], owner)
        if len(graph.sparse_initializer):
            checks.complain(ValueError, owner, "have dense tensors", "sparse ones")
        nodes = [self._node(node, f"{owner}: node {number}") for number, node in enumerate(graph.node)]
        used = {*named}.union(*[node.inputs for node in nodes])
        used.update(*[inner.used for node in nodes for inner in node.graphs.values()])
        return GraphRecord(owner, initializers, nodes, inputs, outputs, used)

    def _node(self, node: Any, owner: str) -> NodeRecord:
        name, op, domain = node.name, node.op_type, node.domain
        label = f"{owner} {name!r} ({op})" if name else f"{owner} ({op})"
        inputs, outputs, listed = node.input[:], node.output[:], node.attribute[:]
        attributes = {attribute.name: attribute for attribute in listed}
        check_texts([name, op, domain, *inputs, *outputs, *attributes], label)
        if len(attributes) != len(listed):
            checks.complain(ValueError, label, "have every attribute once", "one twice")
        graphs = {name: self._inner(found.g) for name, found in attributes.items() if found.type == _GRAPH}
        return NodeRecord(op, domain, inputs, outputs, attributes, graphs, label)

    def _inner(self, graph: Any) -> GraphRecord:
        return self.graph(graph, f"{self._owner}: graph {graph.name!r}")
