"""Operators that make arrays, cut them and put them together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastlstm import checks

from ..node import Function, Node, same
from ..values import Array
from .arithmetic import as_matrix
from .axes import axes_of
from .table import Table


def _flatten(node: Node) -> Function:
    node.expect(1)
    axis = node.number("axis", 1)
    return lambda x: as_matrix(x, axis)


def _slice(node: Node) -> Function:
    if node.opset < 10:
        node.expect(1)
        starts, ends, axes = (node.numbers(name, None) for name in ("starts", "ends", "axes"))
        return lambda x: _cut(x, starts, ends, axes, None)
    node.expect(3, 5)
    return lambda x, *given: _cut(x, *[None if part is None else part.tolist() for part in (*given, None, None)[:4]])


def _cut(x: Array, starts: Any, ends: Any, axes: Any, steps: Any) -> Array:
    count = len(starts)
    axes, steps = range(count) if axes is None else axes, [1] * count if steps is None else steps
    parts = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        parts[axis] = slice(start, end, step)
    return x[tuple(parts)]


def _gather(node: Node) -> Function:
    node.expect(2)
    axis = node.number("axis", 0)
    return lambda x, indices: np.take(x, indices, axis)


def _gather_elements(node: Node) -> Function:
    node.expect(2)
    axis = node.number("axis", 0)

    def function(x: Array, indices: Array) -> Array:
        lengths = list(indices.shape)
        lengths[axis] = x.shape[axis]
        return np.take_along_axis(x[tuple(map(slice, lengths))], indices, axis)

    return function


def _scatter_elements(node: Node) -> Function:
    node.expect(3)
    axis = node.number("axis", 0)
    node.one_of("reduction", node.text("reduction", "none"), ["none"])

    def function(x: Array, indices: Array, updates: Array) -> Array:
        found = x.copy()
        lengths = list(indices.shape)
        lengths[axis] = x.shape[axis]
        np.put_along_axis(found[tuple(map(slice, lengths))], indices, updates, axis)
        return found

    return function


def _concat(node: Node) -> Function:
    node.expect(1, len(node.inputs))
    axis = node.number("axis", None)
    if axis is None:
        node.refuse("axis", "given", axis)
    return lambda *arrays: np.concatenate(arrays, axis)


def _split(node: Node) -> Function:
    count = len(node.wanted)
    node.expect(1, 2 if node.opset >= 13 else 1, outputs=count)
    axis, read = node.number("axis", 0), axes_of(node, 1, 13, "split")
    if node.number("num_outputs", count) != count:
        node.refuse("num_outputs", f"{count}, as many as there are outputs", node.number("num_outputs", count))

    def function(x: Array, split: Any = None) -> tuple[Array, ...]:
        lengths = read(split) or _even(x.shape[axis], count)
        if sum(lengths) != x.shape[axis] or len(lengths) != count:
            checks.refuse(ValueError, "split", f"{count} lengths of {x.shape[axis]} together", lengths)
        return tuple(np.split(x, np.cumsum(lengths)[:-1], axis))

    return function


def _even(length: int, count: int) -> list[int]:
    """Return lengths of equal parts, the last one perhaps shorter."""
    part = -(-length // count)
    return [max(0, min(part, length - part * number)) for number in range(count)]


def _shape(node: Node) -> Function:
    node.expect(1)
    begin, end = node.number("start", 0), node.number("end", None)
    return lambda x: np.array(x.shape[begin:end], np.int64)


def _size(node: Node) -> Function:
    node.expect(1)
    return lambda x: np.array(x.size, np.int64)


class Filling:
    """Makes arrays of one number."""

    def __init__(self, number: Any) -> None:
        self.number = number

    def __call__(self, shape: Array) -> Array:
        """Return an array of a shape."""
        return np.full(shape.tolist(), self.number)


def _constant_of_shape(node: Node) -> Function:
    node.expect(1)
    value = node.tensor("value")
    if value is not None and value.size != 1:
        node.refuse("value", "of one number", value)
    return Filling(np.float32(0) if value is None else value.reshape(())[()])


def _constant(node: Node) -> Array:
    node.expect(0)
    found = node.tensor("value")
    if found is not None:
        return found
    for name, read in _CONSTANTS.items():
        if node.has_attribute(name):
            return read(node, name)
    checks.complain(ValueError, node.label, f"have one of value, {', '.join(_CONSTANTS)}", "none")


_CONSTANTS: dict[str, Callable[[Node, str], Array]] = {
    "value_float": lambda node, name: np.array(node.real(name, None), np.float32),
    "value_floats": lambda node, name: node.array(name, np.float32),
    "value_int": lambda node, name: np.array(node.number(name, None), np.int64),
    "value_ints": lambda node, name: node.array(name, np.int64),
}


def _range(node: Node) -> Function:
    node.expect(3)
    node.number("stash_type", 1)  # of half precision

    def function(start: Array, limit: Array, delta: Array) -> Array:
        first, step = start.reshape(())[()], delta.reshape(())[()]
        count = max(0, math.ceil((float(limit.reshape(())) - float(first)) / float(step)))
        return (first + np.arange(count) * step).astype(start.dtype)

    return function


def _expand(node: Node) -> Function:
    node.expect(2)
    return lambda x, shape: np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape.tolist())))


def _tile(node: Node) -> Function:
    node.expect(2)
    return lambda x, repeats: np.tile(x, repeats.tolist())


def _dropout(node: Node) -> Function:
    node.expect(1, 3 if node.opset >= 12 else 1, outputs=2)
    node.number("seed", 0)
    node.real("ratio", 0.5)
    training = node.constant(2)
    if node.has(2) and (training is None or training.any()):
        node.refuse("training_mode", "False, and known", node.inputs[2])
    dtype = np.dtype(bool) if node.opset >= 10 else None
    return (lambda x, *_: (x, np.ones(x.shape, dtype or x.dtype))) if node.takes(1) else same


_MODES = {"constant": "constant", "reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def _pad(node: Node) -> Function:
    mode = node.one_of("mode", node.text("mode", "constant"), _MODES)
    if node.opset < 11:
        node.expect(1)
        pads, value = node.numbers("pads", None), node.real("value", 0.0)
        return lambda x: _padded(x, pads, mode, value, range(x.ndim))
    node.expect(2, 4 if node.opset >= 18 else 3)

    def function(x: Array, pads: Array, value: Any = None, axes: Any = None) -> Array:
        along = range(x.ndim) if axes is None else axes.tolist()
        return _padded(x, pads.tolist(), mode, 0 if value is None else value.reshape(())[()], along)

    return function


def _padded(x: Array, pads: Sequence[int], mode: str, value: Any, axes: Sequence[int]) -> Array:
    """Return an array with more around it, or with less where a number is negative."""
    if len(pads) != 2 * len(axes):
        checks.refuse_count("pads", f"{2 * len(axes)} numbers", list(pads))
    widths, cuts = [(0, 0)] * x.ndim, [slice(None)] * x.ndim
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        widths[axis] = max(before, 0), max(after, 0)
        cuts[axis] = slice(max(-before, 0), x.shape[axis] - max(-after, 0))
    options: Any = {"constant_values": value} if mode == "constant" else {}
    return np.pad(x[tuple(cuts)], widths, mode, **options)  # type: ignore[call-overload,no-any-return]


def _reverse_sequence(node: Node) -> Function:
    node.expect(2)
    axes = node.number("time_axis", 0), node.number("batch_axis", 1)
    if sorted(axes) != [0, 1]:
        node.refuse("time_axis and batch_axis", "0 and 1", axes)

    def function(x: Array, lengths: Array) -> Array:
        time_first = x if axes[0] == 0 else x.swapaxes(0, 1)
        if lengths.shape != time_first.shape[1:2] or (lengths < 0).any() or (lengths > len(time_first)).any():
            wanted = f"of {time_first.shape[1]} whole numbers from 0 to {len(time_first)}"
            checks.refuse(ValueError, "sequence_lens", wanted, lengths)
        steps = np.arange(len(time_first))[:, None]
        turned = time_first[np.where(steps < lengths, lengths - 1 - steps, steps), np.arange(len(lengths))]
        return turned if axes[0] == 0 else turned.swapaxes(0, 1)

    return function


OPERATORS: Table = {
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Pad": _pad,
    "Range": _range,
    "ReverseSequence": _reverse_sequence,
    "ScatterElements": _scatter_elements,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Split": _split,
    "Tile": _tile,
}
