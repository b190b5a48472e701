"""Operators that sort."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastlstm import checks

from ..node import Function, Node
from ..values import Array
from .table import Table


def _top_k(node: Node) -> Function:
    """Read what is taken of each row: the `k` largest or smallest, in order."""
    node.expect(2 if node.opset >= 10 else 1, outputs=2)
    axis, own = node.number("axis", -1), node.number("k", None) if node.opset < 10 else None
    largest = node.opset < 11 or node.truth("largest", True)
    if node.opset >= 11:
        node.truth("sorted", True)  # in order is one of the orders that 0 leaves open
    if node.opset < 10 and own is None:
        node.refuse("k", "given", own)

    def function(x: Array, count: Any = own) -> tuple[Array, Array]:
        k = int(np.reshape(count, ()))
        if not 0 <= k <= x.shape[axis]:
            checks.refuse(ValueError, "K", f"a whole number from 0 to {x.shape[axis]}", k)
        places = np.take(_order(x, axis, largest), range(k), axis)
        return np.take_along_axis(x, places, axis), places

    return function


def _order(x: Array, axis: int, falling: bool) -> Array:
    """Return the places of numbers in order; of equal ones the first comes first."""
    if not falling:
        return np.argsort(x, axis, stable=True)
    found: Array = x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis, stable=True), axis)
    return found


OPERATORS: Table = {"TopK": _top_k}
