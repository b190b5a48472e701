"""Convolution and pooling: sums, means and maxima over windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from fastlstm import _core, checks

from ..node import Function, Node
from ..values import Array
from .table import Table

_PADDINGS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


class _Axis(NamedTuple):
    """How windows lie along an axis."""

    before: int
    """Steps of padding before the first."""
    after: int
    windows: int
    """How many there are."""


class _Windows:
    """The attributes of a node that say where windows lie."""

    def __init__(self, node: Node, rank: int | None, taps: Sequence[int] | None = None) -> None:
        self.label = node.label
        self.taps = node.numbers("kernel_shape", None if taps is None else list(taps))
        self.padding = node.one_of("auto_pad", node.text("auto_pad", "NOTSET"), _PADDINGS)
        rank = len(self.taps) if self.taps is not None else rank or 1
        self.strides = node.numbers("strides", [1] * rank)
        self.dilations = node.numbers("dilations", [1] * rank)
        self.pads = node.numbers("pads", [0] * (2 * rank))
        self.ceil = node.truth("ceil_mode")
        lengths = {len(self.strides), len(self.dilations), len(self.pads) // 2, rank}
        if len(lengths) != 1 or min(*self.strides, *self.dilations, *(self.taps or [1])) < 1 or min(self.pads) < 0:
            got = f"strides={self.strides}, dilations={self.dilations}, pads={self.pads}, kernel_shape={self.taps}"
            checks.complain(ValueError, f"{self.label}: windows", "be of one rank, with positive steps", got)

    def axis(self, k: int, length: int, taps: int) -> _Axis:
        """Say how windows of so many `taps` lie along the axis `k` of a `length`."""
        stride, reach = self.strides[k], (taps - 1) * self.dilations[k] + 1
        if self.padding == "NOTSET":
            before, after = self.pads[k], self.pads[k + len(self.strides)]
        elif self.padding == "VALID":
            before = after = 0
        else:
            missing = max(0, (math.ceil(length / stride) - 1) * stride + reach - length)
            before, after = missing // 2, missing - missing // 2
            before, after = (before, after) if self.padding == "SAME_UPPER" else (after, before)
        room = length + before + after - reach
        count = (math.ceil(room / stride) if self.ceil else room // stride) + 1
        if self.ceil and (count - 1) * stride >= length + before:
            count -= 1  # a window must not begin in the padding behind
        return _Axis(before, after, max(0, count))


def _conv(node: Node) -> Function:
    """Make the sums over windows of sequences ``(N, C, T)``; of more axes, all but one must be left as they are."""
    node.expect(2, 3)
    kernel, bias = node.constant(1), node.constant(2)
    windows = _Windows(node, None if kernel is None else kernel.ndim - 2, None if kernel is None else kernel.shape[2:])
    if kernel is not None and windows.taps is not None and kernel.shape[2:] != tuple(windows.taps):
        node.refuse("kernel_shape", f"{kernel.shape[2:]}, as W has it", windows.taps)
    time, rank = _time_of(node, windows), len(windows.strides)
    groups = checks.size(f"{node.label}: group", node.number("group", 1))
    known = kernel is not None and (bias is not None or not node.has(2))
    packed = _packed(node.label, _over_time(kernel, time, rank), bias, groups) if known else None

    order = [0, *(k + 2 for k in range(rank) if k != time), time + 2, 1]
    back = [order.index(axis) for axis in range(rank + 2)]

    def function(x: Array, W: Array, b: Any = None) -> Array:
        if x.ndim != rank + 2 or x.shape[1] != W.shape[1] * groups:
            checks.refuse_shape(
                "X", f"(N, {W.shape[1] * groups}{', T' if rank == 1 else f' and {rank} axes'})", x.shape
            )
        sums = packed or _packed(node.label, _over_time(W, time, rank), b, groups)
        along = windows.axis(time, x.shape[time + 2], W.shape[time + 2])
        rows = x.transpose(order)
        flat = rows.reshape(-1, *rows.shape[-2:])
        y = sums(flat, -along.before, along.windows, windows.strides[time], windows.dilations[time])
        return y.reshape(*rows.shape[:-2], *y.shape[1:]).transpose(back)

    return function


def _time_of(node: Node, windows: _Windows) -> int:
    """Return the axis that a convolution is over: of several the only one whose windows are not single numbers."""
    rank = len(windows.strides)
    if rank == 1:
        return 0
    taps, pads = windows.taps or [2] * rank, windows.pads
    moving = [k for k in range(rank) if (taps[k], windows.strides[k], pads[k], pads[k + rank]) != (1, 1, 0, 0)]
    if len(moving) > 1:
        node.refuse("kernel_shape", "of one number, as convolution is over time, with 1 for other axes", windows.taps)
    return moving[0] if moving else 0


def _over_time(W: Any, time: int, rank: int) -> Any:
    """Return a kernel ``(F, C, taps)`` of one that has axes of 1 as well."""
    return W.reshape(*W.shape[:2], W.shape[time + 2]) if W.ndim == rank + 2 > 3 else W


def _packed(label: str, W: Any, b: Any, groups: int) -> _core.Convolution:
    if W.ndim != 3 or 0 in W.shape or W.shape[0] % groups:
        checks.refuse_shape(f"{label}: W", f"(F, C, taps), with F a multiple of {groups}", W.shape)
    if b is not None and b.shape != W.shape[:1]:
        checks.refuse_shape(f"{label}: B", W.shape[:1], b.shape)
    return _core.Convolution(np.ascontiguousarray(W.transpose(2, 1, 0)), b, groups=groups)


def _pooled(node: Node, filler: float) -> tuple[_Windows, Any]:
    """Return the attributes, and a function that gives windows of an array behind its axes, with a filler around."""
    windows = _Windows(node, None)
    if windows.taps is None:
        node.refuse("kernel_shape", "given", None)
    taps = windows.taps
    rank = len(taps)

    def views(x: Array, fill: Any = filler) -> Array:
        if x.ndim != rank + 2:
            checks.refuse_shape("X", f"(N, C, and {rank} axes)", x.shape)
        axes = [windows.axis(k, length, taps[k]) for k, length in enumerate(x.shape[2:])]
        reach = [(tap - 1) * step + 1 for tap, step in zip(taps, windows.dilations, strict=True)]
        around = zip(axes, x.shape[2:], windows.strides, reach, strict=True)
        # windows of ceil_mode may end behind the padding
        widths = [
            (axis.before, max(axis.after, (axis.windows - 1) * stride + span - length - axis.before))
            for axis, length, stride, span in around
        ]
        fill = np.array(fill).astype(x.dtype) if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        padded = np.pad(x, [(0, 0), (0, 0), *widths], constant_values=fill)
        found = sliding_window_view(padded, reach, tuple(range(2, rank + 2)))
        begins = [slice(0, axis.windows * stride, stride) for axis, stride in zip(axes, windows.strides, strict=True)]
        steps = [slice(None, None, step) for step in windows.dilations]
        return found[(slice(None), slice(None), *begins, *steps)]

    return windows, views


def _max_pool(node: Node) -> Function:
    node.expect(1, outputs=2)
    node.number("storage_order", 0)  # of the places
    if node.takes(1):
        checks.complain(ValueError, node.label, "give maxima alone", "an output of their places, which is taken")
    windows, views = _pooled(node, -np.inf)
    axes = tuple(range(-len(windows.taps), 0))
    return lambda x: views(x).max(axes)


def _average_pool(node: Node) -> Function:
    node.expect(1)
    count_all = node.truth("count_include_pad")
    windows, views = _pooled(node, 0.0)
    rank = len(windows.taps)
    axes = tuple(range(-rank, 0))

    def function(x: Array) -> Array:
        inside = np.ones((1, 1, *x.shape[2:]), x.dtype)
        if count_all:  # steps of the padding count, those behind it do not
            along = [windows.axis(k, length, windows.taps[k]) for k, length in enumerate(x.shape[2:])]
            widths = [(axis.before, axis.after) for axis in along]
            inside = np.pad(inside, [(0, 0), (0, 0), *widths], constant_values=1)
            counts = _counts(inside, windows, along)
        else:
            counts = views(inside).sum(axes)
        return np.asarray(views(x).sum(axes) / counts, x.dtype)

    return function


def _counts(inside: Array, windows: _Windows, along: Sequence[_Axis]) -> Array:
    """Return the numbers of taps that lie on what is `inside`, padding included."""
    counts = np.ones((1, 1), inside.dtype)
    for k, axis in enumerate(along):
        taps = np.arange(windows.taps[k]) * windows.dilations[k]
        begins = np.arange(axis.windows) * windows.strides[k]
        found = (begins[:, None] + taps < inside.shape[2 + k]).sum(1).astype(inside.dtype)
        counts = counts[..., None] * found
    return counts


def _global(function: Any) -> Any:
    def build(node: Node) -> Function:
        node.expect(1)
        return lambda x: np.asarray(function(x, tuple(range(2, x.ndim)), keepdims=True), x.dtype)

    return build


OPERATORS: Table = {
    "AveragePool": _average_pool,
    "Conv": _conv,
    "GlobalAveragePool": _global(np.mean),
    "GlobalMaxPool": _global(np.max),
    "MaxPool": _max_pool,
}
