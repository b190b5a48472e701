"""Models that begin in the middle of a graph: new inputs, and the calls from there on once more."""

from __future__ import annotations

from typing import Any

from ..foundation.symbolic import Arguments, Node, SymbolicTensor
from ..foundation.trees import leaves, mapped
from ..graph.nodes import nodes_between
from ..layers.core.input import Input


def is_input(tensor: SymbolicTensor) -> bool:
    """Whether a symbolic tensor comes from no call."""
    return tensor.node is None or not tensor.node.inputs


def cut(inputs: Any, outputs: Any, name: str) -> tuple[Any, Any]:
    """Return inputs and outputs of a model, with an `Input` in place of every tensor that a layer gives.

    The layers are shared: each is called once more, as Keras has it.
    """
    given = leaves(inputs)
    if all(map(is_input, given)):
        return inputs, outputs
    new = {id(tensor): tensor if is_input(tensor) else _input_like(tensor) for tensor in given}
    for node in nodes_between(given, leaves(outputs), name):
        _call_again(node, new)
    return (mapped(lambda tensor: new.get(id(tensor), tensor), tree) for tree in (inputs, outputs))  # type: ignore[return-value]


def _input_like(tensor: SymbolicTensor) -> SymbolicTensor:
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=f"{tensor.name}CLONE")


def _call_again(node: Node, new: dict[int, SymbolicTensor]) -> None:
    """Note a call on the new tensors, which gives new ones."""
    args, kwargs = node.arguments.filled([new.get(id(tensor), tensor) for tensor in node.inputs])
    outputs = mapped(lambda tensor: SymbolicTensor(tensor.shape, tensor.dtype, f"{tensor.name}_clone"), node.structure)
    mask = None if node.mask is None else new.get(id(node.mask), node.mask)
    node.layer.inbound_nodes.append(Node(node.layer, Arguments(args, kwargs), outputs, mask, node.training))
    new.update({id(old): made for old, made in zip(node.outputs, leaves(outputs), strict=True)})
