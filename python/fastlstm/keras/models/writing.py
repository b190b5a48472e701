"""The config of a graph: its layers and operations, and on what each of their calls was, in Keras' form."""

from __future__ import annotations

from typing import Any

from ..foundation.serialization import keras_tensor, serialize_keras_object
from ..foundation.symbolic import Node, SymbolicTensor
from ..foundation.trees import mapped
from ..graph.plan import Plan

Numbers = dict[int, int]
"""Which call of its layer a node is, counting only those in the graph."""


def graph_config(plan: Plan, inputs: Any, outputs: Any) -> dict[str, Any]:
    """Return ``layers``, ``input_layers`` and ``output_layers`` of a functional model.

    Parameters
    ----------
    plan : Plan
        The steps of the model.
    inputs, outputs : array_like or list of array_like
        In the form the model was given them.
    """
    drawing = plan.drawing
    inside = {id(node) for node in (*drawing.nodes, *(tensor.node for tensor in plan.inputs))}
    calls = {id(layer): [node for node in layer.inbound_nodes if id(node) in inside] for layer in drawing.operations}
    numbers: Numbers = {id(node): number for nodes in calls.values() for number, node in enumerate(nodes)}
    return {
        "layers": [_entry(layer, calls[id(layer)], numbers) for layer in drawing.operations],
        "input_layers": _ends(inputs, numbers),
        "output_layers": _ends(outputs, numbers),
    }


def own_calls(layer: Any) -> int:
    """Return how many calls Keras counts of a layer at the ends of a graph before those there are: of a graph, one."""
    return 1 if getattr(layer, "is_functional", False) else 0


def _entry(layer: Any, calls: list[Node], numbers: Numbers) -> dict[str, Any]:
    found: dict[str, Any] = serialize_keras_object(layer)
    inbound = [_call(node, numbers) for node in calls if node.inputs]
    return found | {"name": layer.name, "inbound_nodes": inbound}


def _ends(tree: Any, numbers: Numbers) -> Any:
    """Tree of where inputs or outputs come from."""
    if isinstance(tree, dict):
        return {name: _ends(entry, numbers) for name, entry in tree.items()}
    if isinstance(tree, list | tuple):
        return [_ends(entry, numbers) for entry in tree]
    name, number, index = place_of_tensor(tree, numbers)
    return [name, number + own_calls(tree.node.layer), index]


def place_of_tensor(tensor: SymbolicTensor, numbers: Numbers) -> list[Any]:
    """Return where a tensor comes from: name of the layer, which call of it, and which output."""
    node = tensor.node
    assert node is not None  # every tensor of a plan has one
    return [node.layer.name, numbers[id(node)], tensor.index]


def _call(node: Node, numbers: Numbers) -> dict[str, Any]:
    """Return the arguments of a call, tensors by where they come from."""

    def described(leaf: Any) -> Any:
        if isinstance(leaf, SymbolicTensor):
            return keras_tensor(leaf, place_of_tensor(leaf, numbers))
        return serialize_keras_object(leaf)

    args, kwargs = _arguments(node)
    if node.told and id(node.told[0].node) in numbers:
        kwargs["mask"] = node.told[0]
    return {"args": mapped(described, list(args)), "kwargs": mapped(described, kwargs)}


def _arguments(node: Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if hasattr(node.layer, "parted"):  # an operation, whose settings are in its config
        call = node.layer.parted(node)
        return call.args, call.kwargs
    args, kwargs = node.arguments.filled(node.inputs)
    if node.mask is not None:
        kwargs["mask"] = node.mask
    if node.training is not None:
        kwargs["training"] = node.training
    if len(args) == 1 and not kwargs:
        kwargs = dict(node.layer.keras_call)
    return args, kwargs
