"""Operators that say anew how numbers lie along axes; those known at load are functions that can be told apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..node import MOST_LISTED, Function, Node
from ..values import Array
from .table import Table


class Transposition:
    """Gives axes another order."""

    def __init__(self, perm: Sequence[int] | None) -> None:
        self.perm = perm

    def __call__(self, x: Array) -> Array:
        """Return the array."""
        return x.transpose(self.perm)


class Squeezing:
    """Takes axes of length 1 away: those that are given, or all."""

    def __init__(self, axes: Sequence[int] | None) -> None:
        self.axes = None if axes is None else tuple(axes)

    def __call__(self, x: Array, *_: Any) -> Array:
        """Return the array."""
        return x.squeeze(self.axes)


class Unsqueezing:
    """Puts axes of length 1 in."""

    def __init__(self, axes: Sequence[int]) -> None:
        self.axes = tuple(axes)

    def __call__(self, x: Array, *_: Any) -> Array:
        """Return the array."""
        return np.expand_dims(x, self.axes)


class Reshaping:
    """Gives an array the axes of a target, in which 0 stands for an axis as it was and -1 for what is left."""

    def __init__(self, target: Sequence[int], keep: bool) -> None:
        self.target, self.keep = target, keep

    def __call__(self, x: Array, *_: Any) -> Array:
        """Return the array."""
        return x.reshape(shape_of(x.shape, self.target, self.keep))


def axes_of(node: Node, number: int, since: int, name: str = "axes") -> Callable[[Any], list[int] | None]:
    """Return a function that gives a list of whole numbers: an attribute, or since an opset the input it is given."""
    if is_known(node, number, since):
        found = known_axes(node, number, since, name)
        return lambda given: found
    return lambda given: np.ravel(given).tolist()


def is_known(node: Node, number: int, since: int) -> bool:
    """Whether a list of whole numbers, an attribute or since an opset an input, is known at load."""
    return node.opset < since or not node.has(number) or node.constant(number) is not None


def known_axes(node: Node, number: int, since: int, name: str = "axes") -> list[int] | None:
    """Return a list of whole numbers that is known at load; None: there is none."""
    if node.opset < since:
        attribute: list[int] | None = node.numbers(name, None)
        return attribute
    return known_numbers(node, number, name)


def known_numbers(node: Node, number: int, name: str) -> list[int] | None:
    """Return an input of whole numbers if it is known at load."""
    constant = node.constant(number)
    if constant is None:
        return None
    if constant.dtype.kind != "i" or constant.ndim > 1 or constant.size > MOST_LISTED:
        node.refuse(name, f"a list of at most {MOST_LISTED} whole numbers", constant)
    found: list[int] = constant.ravel().tolist()
    return found


def _transpose(node: Node) -> Function:
    node.expect(1)
    return Transposition(node.numbers("perm", None))


def _squeeze(node: Node) -> Function:
    node.expect(1, 2 if node.opset >= 13 else 1)
    if is_known(node, 1, 13):
        return Squeezing(known_axes(node, 1, 13))
    return lambda x, axes: x.squeeze(tuple(np.ravel(axes).tolist()))


def _unsqueeze(node: Node) -> Function:
    node.expect(2 if node.opset >= 13 else 1)
    if is_known(node, 1, 13):
        return Unsqueezing(known_axes(node, 1, 13) or ())
    return lambda x, axes: np.expand_dims(x, tuple(np.ravel(axes).tolist()))


def _reshape(node: Node) -> Function:
    node.expect(2)
    keep = not node.truth("allowzero")
    target = known_numbers(node, 1, "shape")
    if target is not None:
        return Reshaping(target, keep)
    return lambda x, shape: x.reshape(shape_of(x.shape, shape.tolist(), keep))


def shape_of(shape: Sequence[int], wanted: Sequence[int], keep: bool) -> Sequence[int]:
    """Return the shape that is `wanted`, where 0 may stand for the axis as it was, and -1 for what is left."""
    if 0 not in wanted or not keep:
        return wanted
    target = [shape[k] if axis == 0 else axis for k, axis in enumerate(wanted)]
    if 0 in target and -1 in target:  # which NumPy cannot tell
        left = math.prod(axis for k, axis in enumerate(shape) if k >= len(wanted) or wanted[k] != 0)
        target[target.index(-1)] = left // math.prod(axis for axis in wanted if axis > 0)
    return target


OPERATORS: Table = {"Reshape": _reshape, "Squeeze": _squeeze, "Transpose": _transpose, "Unsqueeze": _unsqueeze}
