"""Graphs of a file as plain values: of a message every look at a list takes about a microsecond, so each has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastlstm import checks

from .names import check_texts

MOST_NODES = 100_000
"""Of a graph and the graphs inside: each takes a hundred times the memory that it may have in the file."""

_TENSOR, _GRAPH = 4, 5
"""Types of attributes."""


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


class ConstantRecord(NamedTuple):
    """A node that is a tensor of the file. Some exporters write more of these than of all others together."""

    name: str
    """What it gives."""
    tensor: Any
    """A message."""


class GraphRecord(NamedTuple):
    """A graph."""

    owner: str
    """What errors call it."""
    initializers: Sequence[Any]
    """Messages of the tensors."""
    constants: Sequence[ConstantRecord]
    nodes: Sequence[NodeRecord]
    """All others."""
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    """Messages that describe them."""
    used: set[str]
    """Names that nodes and outputs take, here and in the graphs inside."""


def graph_record(graph: Any, owner: str) -> GraphRecord:
    """Read the main graph of a model."""
    reading = _Reading(owner)
    record = reading.graph(graph, owner)
    check_texts(reading.texts, owner)
    return record


class _Reading:
    """Reads the graphs of a model, counts their nodes and gathers what must be text."""

    def __init__(self, owner: str) -> None:
        self.texts: list[Any] = []
        self._owner, self._count = owner, 0

    def graph(self, graph: Any, owner: str) -> GraphRecord:
        self._count += len(graph.node)
        if self._count > MOST_NODES:
            checks.complain(ValueError, self._owner, f"have at most {MOST_NODES} nodes", "more")
        initializers, inputs, outputs = graph.initializer[:], graph.input[:], graph.output[:]
        named = [proto.name for proto in outputs]
        self.texts += [graph.name, *named, *[proto.name for proto in (*initializers, *inputs)]]
        if len(graph.sparse_initializer):
            checks.complain(ValueError, owner, "have dense tensors", "sparse ones")
        constants, nodes = list[ConstantRecord](), list[NodeRecord]()
        for number, node in enumerate(graph.node):
            constant = self._constant(node)
            if constant is None:
                nodes.append(self._node(node, f"{owner}: node {number}"))
            else:
                constants.append(constant)
        used = {*named}.union(*[node.inputs for node in nodes])
        used.update(*[inner.used for node in nodes for inner in node.graphs.values()])
        return GraphRecord(owner, initializers, constants, nodes, inputs, outputs, used)

    def _constant(self, node: Any) -> ConstantRecord | None:
        """Return the tensor that a node is, if it is nothing else."""
        if node.op_type != "Constant" or node.domain or len(node.input):
            return None
        outputs, attributes = node.output[:], node.attribute[:]
        if len(outputs) != 1 or not outputs[0] or len(attributes) != 1:
            return None
        [value] = attributes
        if value.name != "value" or value.type != _TENSOR or value.ref_attr_name:
            return None
        self.texts.append(outputs[0])
        return ConstantRecord(outputs[0], value.t)

    def _node(self, node: Any, owner: str) -> NodeRecord:
        name, op, domain = node.name, node.op_type, node.domain
        label = f"{owner} {name!r} ({op})" if name else f"{owner} ({op})"
        inputs, outputs, listed = node.input[:], node.output[:], node.attribute[:]
        attributes = {attribute.name: attribute for attribute in listed}
        graphs = {name: self._inner(part.g) for name, part in attributes.items() if part.type == _GRAPH}
        self.texts += (name, op, domain, *inputs, *outputs, *attributes)
        if len(attributes) != len(listed):
            checks.complain(ValueError, label, "have every attribute once", "one twice")
        return NodeRecord(op, domain, inputs, outputs, attributes, graphs, label)

    def _inner(self, graph: Any) -> GraphRecord:
        return self.graph(graph, f"{self._owner}: graph {graph.name!r}")
