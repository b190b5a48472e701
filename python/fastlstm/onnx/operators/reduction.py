"""Operators that make one number of many."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ..node import Function, Node
from ..values import Array
from .axes import axes_of
from .table import Builder, Table

Reduction: TypeAlias = Callable[[Array, tuple[int, ...] | None, bool], Any]
"""Takes an array, axes, which may be all, and whether these are kept."""


def _reduced(function: Reduction, since: int = 18) -> Builder:
    """Return the builder of a reduction whose axes are an input since that opset."""

    def build(node: Node) -> Function:
        node.expect(1, 2 if node.opset >= since else 1)
        keep, read = node.truth("keepdims", True), axes_of(node, 1, since)
        as_it_is = node.opset >= since and node.truth("noop_with_empty_axes")

        def run(x: Array, axes: Any = None) -> Any:
            found = read(axes)
            if found:
                return function(x, tuple(found), keep)
            return function(x, (), keep) if as_it_is else function(x, None, keep)

        return run

    return build


def _sum(x: Array, axes: Any, keep: bool) -> Any:
    return np.sum(x, axes, x.dtype, keepdims=keep)


def _mean(x: Array, axes: Any, keep: bool) -> Any:
    total = _sum(x, axes, keep)
    count = x.size if axes is None else math.prod(x.shape[axis] for axis in axes)
    return total / x.dtype.type(count) if x.dtype.kind == "f" else np.trunc(total / count).astype(x.dtype)


def _extreme(function: Any, sign: int) -> Reduction:
    """Return the largest or smallest; of nothing it is the end of the numbers on the other side."""

    def reduction(x: Array, axes: Any, keep: bool) -> Any:
        if x.size or axes == ():
            return function(x, axes, keepdims=keep)
        if x.dtype.kind == "b":
            return function(x, axes, keepdims=keep, initial=sign > 0)
        bounds = np.iinfo(x.dtype) if x.dtype.kind in "iu" else None
        ends = (-np.inf, np.inf) if bounds is None else (bounds.min, bounds.max)
        return function(x, axes, keepdims=keep, initial=ends[sign > 0])

    return reduction


def _log_sum_exp(x: Array, axes: Any, keep: bool) -> Any:
    top = np.max(x, axes, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype)
    return np.log(_sum(np.exp(x - top), axes, keep)) + (top if keep else np.squeeze(top, axes))


def _place(function: Any) -> Builder:
    """Return the builder of ArgMax or ArgMin."""

    def build(node: Node) -> Function:
        node.expect(1)
        axis, keep = node.number("axis", 0), node.truth("keepdims", True)
        if not node.truth("select_last_index"):
            return lambda x: function(x, axis, keepdims=keep).astype(np.int64)
        return lambda x: (x.shape[axis] - 1 - function(np.flip(x, axis), axis, keepdims=keep)).astype(np.int64)

    return build


OPERATORS: Table = {
    "ArgMax": _place(np.argmax),
    "ArgMin": _place(np.argmin),
    "ReduceL1": _reduced(lambda x, axes, keep: _sum(np.abs(x), axes, keep)),
    "ReduceL2": _reduced(lambda x, axes, keep: np.sqrt(_sum(x * x, axes, keep)).astype(x.dtype)),
    "ReduceLogSum": _reduced(lambda x, axes, keep: np.log(_sum(x, axes, keep)).astype(x.dtype)),
    "ReduceLogSumExp": _reduced(_log_sum_exp),
    "ReduceMax": _reduced(_extreme(np.max, -1)),
    "ReduceMean": _reduced(_mean),
    "ReduceMin": _reduced(_extreme(np.min, 1)),
    "ReduceProd": _reduced(lambda x, axes, keep: np.prod(x, axes, x.dtype, keepdims=keep)),
    "ReduceSum": _reduced(_sum, since=13),
    "ReduceSumSquare": _reduced(lambda x, axes, keep: _sum(x * x, axes, keep)),
}
