"""What is known of arrays before a graph runs: lengths of axes, whole numbers made of them, and zeros."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from .node import Function, Node
from .operators.axes import Reshaping, Squeezing, Transposition, Unsqueezing
from .operators.recurrent import Run
from .operators.shape import Filling
from .plan import Step
from .values import Array

Length: TypeAlias = int | tuple[int, int]
"""Of an axis: a number, or the place of an array and the number of its axis that is as long."""

Lengths: TypeAlias = tuple[Length, ...]

_MOST_NUMBERS = 64
"""Of a shape: of longer ones nothing is noted, as they may double with every node."""
_MOST_LENGTH = 2**31
"""Of an axis: what is longer may be one of few bits less by the time it is there."""
_MOST_ZEROS = 2**16
"""Numbers of a constant that is looked through for zeros."""
_WHOLE = (6, 7)
"""Dtypes, by their numbers in the format, that hold lengths."""


class Facts:
    """What is known of the arrays at the places of a graph.

    Parameters
    ----------
    start : sequence
        The constants, by their places.
    """

    def __init__(self, start: Sequence[Any]) -> None:
        self._start = start
        self._shapes: dict[int, Lengths] = {}
        self._numbers: dict[int, Lengths] = {}
        self._lengths: dict[int, int] = {}  # places of shapes: those of the arrays, of unknown rank
        self._zeros: set[int] = set()

    def given(self, place: int, shape: Iterable[Any] | None) -> None:
        """Note the shape of an input, None where nothing is said of it."""
        if shape is not None:
            axes = enumerate(shape)
            self._shapes[place] = tuple(length if isinstance(length, int) else (place, k) for k, length in axes)

    def shape(self, place: int) -> Lengths | None:
        """Return the shape of an array, if it is known."""
        constant = self._start[place]
        return self._shapes.get(place) if constant is None else constant.shape

    def length(self, place: int, axis: int) -> Length:
        """Return the length of an axis that is there."""
        shape = self.shape(place)
        return shape[axis] if shape is not None and 0 <= axis < len(shape) else (place, axis)

    def numbers(self, place: int) -> Lengths | None:
        """Return whole numbers, if they are known."""
        constant = self._start[place]
        if constant is None:
            return self._numbers.get(place)
        known = constant.dtype.kind == "i" and constant.size <= _MOST_NUMBERS
        return tuple(constant.ravel().tolist()) if known else None

    def _is_zero(self, place: int) -> bool:
        constant: Array | None = self._start[place]
        if constant is None:
            return place in self._zeros
        return constant.size <= _MOST_ZEROS and not constant.any()

    def settled(self, node: Node, function: Function, sources: Sequence[int]) -> tuple[Function, Sequence[int]]:
        """Return a function that needs fewer sources, and these, where the others are known to say nothing new."""
        target = self._target(sources) if node.op == "Reshape" and not isinstance(function, Reshaping) else None
        if target is not None:
            return Reshaping(target, keep=True), sources[:1]
        return function, self._without_zeros(function, sources)

    def _target(self, sources: Sequence[int]) -> list[int] | None:
        """Return the target of a Reshape, 0 for an axis that is as it was, if it can be told; none else is 0 then."""
        shape, numbers = self.shape(sources[0]), self.numbers(sources[1])
        if shape is None or numbers is None:
            return None
        target = [0 if shape[k : k + 1] == (length,) else length for k, length in enumerate(numbers)]
        known = [length for length in target if isinstance(length, int)]
        return known if len(known) == len(target) and 0 not in numbers else None

    def _without_zeros(self, function: Function, sources: Sequence[int]) -> Sequence[int]:
        """Return the sources of a step, without states of zeros of which it needs none, as long as they fit."""
        if not isinstance(function, Run) or function.packed is None or function.batch_first:
            return sources
        shape = (function.count, self.length(sources[0], 1), function.packed[0].hidden_size)
        return [
            0 if number in _STATES and self._is_zero(place) and self.shape(place) == shape else place
            for number, place in enumerate(sources)
        ]

    def note(self, node: Node, step: Step) -> None:
        """Note what is known of what a step gives."""
        if node.op in _RULES and any(step.targets[:1]):
            _RULES[node.op](self, node, step)

    # -- operators -----------------------------------------------------------------------------------------------------

    def _shape_of(self, node: Node, step: Step) -> None:
        shape = self.shape(step.sources[0])
        if shape is not None:
            self._count(step, shape[node.number("start", 0) : node.number("end", None)])
        elif not node.number("start", 0):
            self._lengths[step.targets[0]] = step.sources[0]

    def _cast(self, node: Node, step: Step) -> None:
        if node.number("to", 0) in _WHOLE:
            self._same_numbers(node, step)

    def _same_numbers(self, node: Node, step: Step) -> None:
        found = self.numbers(step.sources[0])
        if found is not None:
            self._count(step, found)

    def _gather(self, node: Node, step: Step) -> None:
        places = self.numbers(step.sources[1])
        known = [k for k in places or () if isinstance(k, int)]
        if len(known) != len(places or ()) or node.number("axis", 0):
            return
        found = self.numbers(step.sources[0])
        if found is not None and all(-len(found) <= k < len(found) for k in known):
            self._count(step, tuple(found[k] for k in known))
        elif step.sources[0] in self._lengths and len(known) == 1 and known[0] >= 0:
            self._count(step, (self.length(self._lengths[step.sources[0]], known[0]),))

    def _concat(self, node: Node, step: Step) -> None:
        parts = [self.numbers(place) for place in step.sources]
        if all(part is not None for part in parts):
            self._count(step, tuple(length for part in parts if part is not None for length in part))

    def _mul(self, node: Node, step: Step) -> None:
        first, second = (self.numbers(place) for place in step.sources)
        if first is None or second is None or len(first) != len(second):
            return
        pairs = [(a, b) for a, b in zip(first, second, strict=True) if isinstance(a, int) and isinstance(b, int)]
        found = [a * b for a, b in pairs if abs(a * b) < _MOST_LENGTH]
        if len(found) == len(first):
            self._count(step, tuple(found))

    def _constant_of_shape(self, node: Node, step: Step) -> None:
        found = self.numbers(step.sources[0])
        if found is not None and isinstance(step.function, Filling):
            self._made(step, found, not step.function.number)

    def _expand(self, node: Node, step: Step) -> None:
        found, constant = self.numbers(step.sources[1]), self._start[step.sources[0]]
        if found is not None and constant is not None and constant.size == 1 and constant.ndim <= len(found):
            self._made(step, found, not constant.any())

    def _count(self, step: Step, numbers: Lengths) -> None:
        if len(numbers) <= _MOST_NUMBERS:
            self._numbers[step.targets[0]] = numbers

    def _made(self, step: Step, shape: Lengths, zero: bool) -> None:
        if len(shape) > _MOST_NUMBERS:
            return
        self._shapes[step.targets[0]] = shape
        if zero:
            self._zeros.add(step.targets[0])

    def _transpose(self, node: Node, step: Step) -> None:
        perm = step.function.perm if isinstance(step.function, Transposition) else None
        if perm is not None:
            shape = tuple(self.length(step.sources[0], axis) for axis in perm)
            self._made(step, shape, self._is_zero(step.sources[0]))

    def _slice(self, node: Node, step: Step) -> None:
        cut = self._cut(node, step)
        if cut is None:
            return
        axis, part = cut
        found, shape = self.numbers(step.sources[0]), self.shape(step.sources[0])
        whole = self.length(step.sources[0], axis)
        if found is not None and axis == 0:
            self._count(step, found[part])
        elif shape is not None and axis < len(shape) and isinstance(whole, int):
            length = len(range(whole)[part])
            self._made(step, (*shape[:axis], length, *shape[axis + 1 :]), self._is_zero(step.sources[0]))

    def _cut(self, node: Node, step: Step) -> tuple[int, slice] | None:
        """Return the one axis that a Slice cuts, and its part; None: there are others, or it is not known."""
        if node.opset < 10:
            given = [node.numbers(name, None) for name in ("starts", "ends", "axes")]
        else:
            given = [self.numbers(place) if place else None for place in step.sources[1:4]]
        starts, ends, axes = (*given, None)[:3]
        steps = self.numbers(step.sources[4]) if len(step.sources) > 4 and step.sources[4] else (1,)
        parts = (starts, ends, axes or (0,), steps)
        known = [part[0] for part in parts if part and len(part) == 1 and isinstance(part[0], int)]
        if len(known) != len(parts):
            return None
        begin, end, axis, by = known
        return (axis, slice(begin, end)) if by == 1 and axis >= 0 else None

    def _unsqueeze(self, node: Node, step: Step) -> None:
        self._same_numbers(node, step)
        shape, function = self.shape(step.sources[0]), step.function
        if shape is None or not isinstance(function, Unsqueezing) or len(function.axes) != 1:
            return
        at = function.axes[0]
        if 0 <= at <= len(shape):
            self._made(step, (*shape[:at], 1, *shape[at:]), self._is_zero(step.sources[0]))

    def _squeeze(self, node: Node, step: Step) -> None:
        self._same_numbers(node, step)
        shape, axes = self.shape(step.sources[0]), getattr(step.function, "axes", None)
        if shape and isinstance(step.function, Squeezing) and axes:
            gone = {axis % len(shape) for axis in axes}
            left = tuple(length for k, length in enumerate(shape) if k not in gone)
            self._made(step, left, self._is_zero(step.sources[0]))

    def _reshape(self, node: Node, step: Step) -> None:
        self._same_numbers(node, step)
        shape = self.shape(step.sources[0])
        if shape is not None and isinstance(step.function, Reshaping):
            target = _reshaped(shape, step.function)
            if target is not None:
                self._made(step, target, self._is_zero(step.sources[0]))

    def _recurrent(self, node: Node, step: Step) -> None:
        run = step.function
        if not isinstance(run, Run) or run.packed is None or run.batch_first:
            return
        steps, rows = (self.length(step.sources[0], axis) for axis in (0, 1))
        sizes = run.count, rows, run.packed[0].hidden_size
        shapes: list[Lengths] = [(steps, *sizes), sizes, sizes]
        self._shapes.update({place: shape for place, shape in zip(step.targets, shapes, strict=False) if place})


def _reshaped(shape: Lengths, function: Reshaping) -> Lengths | None:
    """Return the shape that a Reshape gives, if it can be told."""
    target, keep = function.target, function.keep
    if any(axis == 0 and (not keep or k >= len(shape)) for k, axis in enumerate(target)):
        return None
    found: list[Length] = [shape[k] if axis == 0 else axis for k, axis in enumerate(target)]
    left = [length for length in shape if not isinstance(length, int)]
    for length in found:
        if not isinstance(length, int):
            if length not in left:
                return None
            left.remove(length)
    before = math.prod(length for length in shape if isinstance(length, int))
    behind = math.prod(length for length in found if isinstance(length, int) and length != -1)
    if -1 not in found:
        return tuple(found) if before == behind and not left else None
    if len(left) == 1 and before == behind:
        return tuple(left[0] if length == -1 else length for length in found)
    if left or not behind or before % behind:
        return None
    return tuple(before // behind if length == -1 else length for length in found)


_STATES = (5, 6)
"""Inputs of recurrent nodes that are states to start with."""

_RULES: dict[str, Callable[[Facts, Node, Step], None]] = {
    "Cast": Facts._cast,
    "Concat": Facts._concat,
    "ConstantOfShape": Facts._constant_of_shape,
    "Expand": Facts._expand,
    "GRU": Facts._recurrent,
    "Gather": Facts._gather,
    "LSTM": Facts._recurrent,
    "Mul": Facts._mul,
    "RNN": Facts._recurrent,
    "Reshape": Facts._reshape,
    "Shape": Facts._shape_of,
    "Slice": Facts._slice,
    "Squeeze": Facts._squeeze,
    "Transpose": Facts._transpose,
    "Unsqueeze": Facts._unsqueeze,
}
