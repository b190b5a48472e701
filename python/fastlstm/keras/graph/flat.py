"""A plan as a flat list of calls, to be pickled: nodes hang together, and a long chain would exceed Python's stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..foundation.arrays import Shape
from ..foundation.symbolic import Arguments, Node, SymbolicTensor
from ..foundation.trees import mapped
from .plan import Plan


@dataclass(frozen=True)
class Tensor:
    """A symbolic tensor without the node that it comes from."""

    shape: Shape
    dtype: np.dtype[Any]
    name: str


@dataclass(frozen=True)
class Reference:
    """A tensor among arguments, by its number."""

    number: int


@dataclass(frozen=True)
class FlatNode:
    """A node whose tensors are numbers."""

    layer: Any
    arguments: Any
    outputs: Any
    mask: Any
    training: bool | None
    told: Any
    masks: Any
    """Those of what it gives."""


def flattened(plan: Plan) -> tuple[list[FlatNode], list[FlatNode], list[int]]:
    """Return the inputs, the nodes in order, and the numbers of the outputs."""
    nodes = plan.drawing.nodes
    tensors = [*plan.inputs, *(tensor for node in nodes for tensor in node.outputs)]
    numbers = {id(tensor): number for number, tensor in enumerate(tensors)}

    def reference(leaf: Any) -> Any:
        return Reference(numbers[id(leaf)]) if isinstance(leaf, SymbolicTensor) else leaf

    def flat(node: Node) -> FlatNode:
        arguments = mapped(reference, list(node.arguments.filled(node.inputs)))
        told = [reference(mask) for mask in node.told if id(mask) in numbers]
        masks = [reference(tensor.mask) if id(tensor.mask) in numbers else None for tensor in node.outputs]
        outputs = mapped(_bare, node.structure)
        return FlatNode(node.layer, arguments, outputs, reference(node.mask), node.training, told, masks)

    inputs = [FlatNode(t.node and _input_layer(t.node), None, _bare(t), None, None, (), ()) for t in plan.inputs]
    return inputs, [flat(node) for node in nodes], [numbers[id(tensor)] for tensor in plan.outputs]


def _bare(tensor: SymbolicTensor) -> Tensor:
    return Tensor(tensor.shape, tensor.dtype, tensor.name)


def _input_layer(node: Node) -> Any:
    return None if node.inputs else node.layer


def restored(inputs: list[FlatNode], nodes: list[FlatNode], outputs: list[int], name: str) -> Plan:
    """Return the plan that `flattened` took apart; its layers know their nodes again."""
    tensors: list[SymbolicTensor] = []
    made_nodes: list[Node] = []

    def tensor_of(leaf: Any) -> Any:
        return tensors[leaf.number] if isinstance(leaf, Reference) else leaf

    def made(leaf: Tensor) -> SymbolicTensor:
        return SymbolicTensor(leaf.shape, leaf.dtype, leaf.name)

    for flat in inputs:
        tensors.append(made(flat.outputs))
        if flat.layer is not None:
            flat.layer.inbound_nodes.append(Node(flat.layer, Arguments((), {}), tensors[-1]))
    for flat in nodes:
        args, kwargs = mapped(tensor_of, flat.arguments)
        structure = mapped(made, flat.outputs)
        node = Node(flat.layer, Arguments(args, kwargs), structure, tensor_of(flat.mask), flat.training)
        flat.layer.inbound_nodes.append(node)
        tensors.extend(node.outputs)
        made_nodes.append(node)
    for node, flat in zip(made_nodes, nodes, strict=True):
        node.told = [tensor_of(mask) for mask in flat.told]
        for tensor, mask in zip(node.outputs, flat.masks, strict=True):
            tensor.mask = tensor_of(mask)
    return Plan(tensors[: len(inputs)], [tensors[number] for number in outputs], name)
