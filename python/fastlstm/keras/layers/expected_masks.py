"""Which symbolic tensors will have masks: found from zeros, without a run of what makes the tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..foundation.arrays import Array, Shape
from ..foundation.symbolic import Node, SymbolicTensor
from ..foundation.trees import leaves, one_or_list

_OPEN = 2
"""Size of an open axis."""


def expected_masks(tensors: Sequence[Any], arrays: Sequence[Array]) -> list[Array | None]:
    """Return a mask of which all is there for each of the arrays that stand for tensors, None where none will be."""
    axes: dict[int, int] = {}
    for node in _before([tensor for tensor in tensors if isinstance(tensor, SymbolicTensor)]):
        for tensor, mask in zip(node.outputs, _masks_of(node, axes), strict=False):
            if mask is not None:
                axes[id(tensor)] = np.ndim(mask)
    return [_full(array.shape, axes.get(id(tensor))) for tensor, array in zip(tensors, arrays, strict=True)]


def _before(tensors: Sequence[SymbolicTensor]) -> Iterator[Node]:
    """Give the calls that lead to tensors, each after those that it needs."""
    begun: set[int] = set()
    todo = [(tensor.node, False) for tensor in tensors]
    while todo:
        node, ready = todo.pop()
        if node is None or not node.inputs:
            continue
        if ready:
            yield node
        elif id(node) not in begun:
            begun.add(id(node))
            todo += [(node, True), *((tensor.node, False) for tensor in node.needs)]


def _masks_of(node: Node, axes: dict[int, int]) -> list[Any]:
    zeros = [np.zeros(_closed(tensor.shape), tensor.dtype) for tensor in node.inputs]
    given = [_full(part.shape, axes.get(id(tensor))) for tensor, part in zip(node.inputs, zeros, strict=True)]
    if node.mask is not None:
        given[0] = np.ones(_closed(node.mask.shape), np.bool_)
    masks = given if any(mask is not None for mask in given) else [None]
    try:
        found = node.layer.compute_mask(one_or_list(zeros), one_or_list(masks))
    except (ValueError, IndexError):  # from a layer that takes other sizes than those of these zeros
        return []
    return leaves(found)


def _closed(shape: Shape) -> tuple[int, ...]:
    return tuple(_OPEN if size is None else size for size in shape)


def _full(shape: tuple[int, ...], axes: int | None) -> Array | None:
    return None if axes is None else np.ones(shape[:axes], np.bool_)
