"""Masks of symbolic tensors: operations that no run takes, as masks travel with arrays.

Keras notes them in the graph. Its tables list them, and its order of layers, which is that of the weights, depends on
how far they are from the outputs.
"""

from __future__ import annotations

from typing import Any

from ..foundation.symbolic import Node, SymbolicTensor
from ..foundation.trees import leaves, mapped, one_or_list


def note_masks(node: Node) -> None:
    """Say which masks a call is told of, and give masks to what comes out of it."""
    masks = [tensor.mask for tensor in node.inputs] if node.mask is None else [node.mask]
    if node.layer.told_of_mask and node.mask is None and _is_alone(node):
        node.told = [mask for mask in masks if mask is not None]
    there = any(mask is not None for mask in masks)
    try:
        found = node.layer.compute_mask(one_or_list(node.inputs), one_or_list(masks) if there else None)
    except (TypeError, ValueError):  # from a function of a user's own that wants arrays
        return
    for tensor, mask in zip(node.outputs, leaves(found), strict=False):
        tensor.mask = mask if isinstance(mask, SymbolicTensor) else None


def _is_alone(node: Node) -> bool:
    """Whether a call was given one tensor, in no list."""
    args, kwargs = node.arguments.args, node.arguments.kwargs
    return len(node.inputs) == 1 and not any(isinstance(entry, list | tuple) for entry in (*args, *kwargs.values()))


def adopted(tensor: SymbolicTensor, mask: SymbolicTensor) -> bool:
    """Let a tensor have a mask, with the names of its operations, if it is like its own; say whether it is."""
    same = _alike(tensor.mask, mask)
    if same:
        tensor.mask = mask
    return same


def _alike(one: SymbolicTensor | None, other: SymbolicTensor | None) -> bool:
    """Whether two tensors come from the same ones by the same operations."""
    pairs = [(one, other)]
    while pairs:  # not by recursion: there may be as many operations as layers
        a, b = pairs.pop()
        if a is b:
            continue
        if a is None or b is None or not _come_alike(a, b):
            return False
        assert a.node is not None  # see there
        assert b.node is not None
        pairs += zip(a.node.inputs, b.node.inputs, strict=True)
    return True


def _come_alike(a: SymbolicTensor, b: SymbolicTensor) -> bool:
    """Whether two tensors come from calls that differ in nothing but the tensors they are given."""
    if a.node is None or b.node is None or len(a.node.inputs) != len(b.node.inputs) or a.index != b.index:
        return False
    return bool(_call_of(a.node) == _call_of(b.node))


def _call_of(node: Node) -> Any:
    """Return what tells a call of an operation from others, but for its tensors; that of a layer is like no other."""
    operation = node.layer
    if not hasattr(operation, "parted"):
        return node
    call = operation.parted(node)
    numbers = mapped(lambda leaf: None if isinstance(leaf, SymbolicTensor) else leaf, [call.args, call.kwargs])
    return operation.keras_class_name, call.settings, numbers
