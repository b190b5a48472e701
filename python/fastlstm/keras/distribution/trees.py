"""Sums in one fixed order: the parts of a batch are the leaves of a binary tree, whoever has computed them.

A node ``(first, last)`` is the sum of the parts from `first` up to, but not with, `last`: the part itself or the sum of
two nodes, the left one of the largest power of two of parts. Floating-point addition depends on what is added to what,
never on where; so a sum has the same bits for any way of sharing the parts out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from ..foundation.arrays import Array

Node: TypeAlias = tuple[int, int]


def halves(node: Node) -> tuple[Node, Node]:
    """Return the two nodes that a node is the sum of.

    Examples
    --------
    >>> halves((0, 8)), halves((8, 11))
    (((0, 4), (4, 8)), ((8, 10), (10, 11)))
    """
    first, last = node
    middle = first + (1 << (last - first - 1).bit_length() - 1)
    return (first, middle), (middle, last)


def largest_nodes(parts: range, tree: Node) -> Iterator[Node]:
    """Return the nodes of a tree that are sums of these neighbours alone, as few as there are.

    Examples
    --------
    >>> list(largest_nodes(range(4, 8), (0, 12))), list(largest_nodes(range(3, 6), (0, 12)))
    ([(4, 8)], [(3, 4), (4, 6)])
    """
    first, last = tree
    if parts.start <= first and last <= parts.stop:
        yield tree
    elif first < parts.stop and parts.start < last:
        for half in halves(tree):
            yield from largest_nodes(parts, half)


def tree_sum(known: dict[Node, Array], node: Node) -> Array:
    """Return the sum of a node; what is `known` of nodes inside is written to.

    Examples
    --------
    >>> import numpy as np
    >>> tree_sum({(0, 2): np.array([1.0]), (2, 3): np.array([2.0])}, (0, 3))
    array([3.])
    """
    if node in known:
        return known[node]
    left, right = (tree_sum(known, half) for half in halves(node))
    left += right
    return left
