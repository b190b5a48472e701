"""A graph as Keras draws it: its layers in Keras' order, and the operations that make masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..foundation.symbolic import Node, SymbolicTensor
from .nodes import Needs, drawn, needs, search


class Drawing:
    """What tables and pictures of a graph show.

    Parameters
    ----------
    nodes : list of Node
        The calls that are run.
    inputs, outputs : list of SymbolicTensor
        The tensors that are given, and those that are wanted.
    """

    def __init__(self, nodes: list[Node], inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> None:
        self.nodes, self.needs = nodes, needs
        """The calls, and what each is shown to need."""
        if any(node.told for node in nodes):
            found, missing = search(inputs, outputs, drawn)
            if not missing:  # as they are where a model begins behind the layer that makes a mask
                self.nodes, self.needs = found, drawn
        self.operations = _in_keras_order(self.nodes, inputs, outputs, self.needs)
        """Layers and operations, the first ones first."""
        run = {id(node.layer) for node in (*nodes, *(tensor.node for tensor in inputs)) if node is not None}
        self.layers = [operation for operation in self.operations if id(operation) in run]
        """Those that are run, in the same order."""


def _in_keras_order(
    nodes: list[Node], inputs: list[SymbolicTensor], outputs: list[SymbolicTensor], needs: Needs
) -> list[Any]:
    """Return what is farthest from the outputs first, and of these what was met first."""
    met = _met_first(inputs, outputs, needs)
    depths: dict[int, int] = {}
    of_layers: dict[int, int] = {}
    for node in reversed(nodes):
        depth = max(depths.get(id(node), 0), of_layers.get(id(node.layer), 0))
        depths[id(node)] = of_layers[id(node.layer)] = depth
        for tensor in needs(node):
            if tensor.node is not None:
                depths[id(tensor.node)] = max(depth + 1, depths.get(id(tensor.node), 0))
    layers = {id(node.layer): node.layer for node in nodes}
    for tensor in inputs:
        if tensor.node is not None and tensor.node.layer is not None and not tensor.node.inputs:
            layers[id(tensor.node.layer)] = tensor.node.layer
            of_layers.setdefault(id(tensor.node.layer), depths.get(id(tensor.node), 0))
    return sorted(layers.values(), key=lambda layer: (-of_layers[id(layer)], met.get(id(layer), -1)))


def _met_first(inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor], needs: Needs) -> dict[int, int]:
    """Return when each layer is met on the way from the outputs to the inputs, depth first."""
    met: dict[int, int] = {}
    known, seen = {id(tensor) for tensor in inputs}, set[int]()
    waiting = list(reversed(outputs))
    while waiting:
        tensor = waiting.pop()
        node = tensor.node
        if node is None or id(node) in seen or (id(tensor) in known and node.inputs):
            continue
        seen.add(id(node))
        met.setdefault(id(node.layer), len(met))
        waiting.extend(reversed(needs(node)))
    return met
