"""A graph laid out: steps over numbered places of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from fastlstm import checks

from .node import Function
from .values import Array, ValueInfo


class Step(NamedTuple):
    """A node."""

    function: Function
    sources: tuple[int, ...]
    """Places of what it takes."""
    targets: tuple[int, ...]
    """Places of what it gives, which are more than that if the last ones are left out."""
    done: tuple[int, ...]
    """Places of what no later step takes."""
    label: str
    """What errors call it."""
    op: str
    """Its operator."""


_OWN = frozenset({"Concat", "GRU", "LSTM", "RNN"})
"""Operators each of whose outputs is an array of its own, which may be written to."""

_CALM = _OWN | {"Gather", "Reshape", "Shape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
"""Operators that NumPy has no warnings about."""


class Plan:
    """Steps in the order of the graph.

    Parameters
    ----------
    start : sequence
        What is at every place before the first step: the constants. The place 0 is that of what is left out.
    given, captured, wanted : sequence of int
        Places of the inputs, of arrays from outside, and of the outputs.
    steps : sequence of Step
        The steps.
    described : sequence of ValueInfo
        What is said of each output, if anything is.

    Attributes
    ----------
    warns
        Whether NumPy may warn of numbers that the graph makes.
    owns
        Whether each output is an array of its own, which nothing else has and which may be written to.
    """

    def __init__(
        self,
        start: Sequence[Any],
        given: Sequence[int],
        captured: Sequence[int],
        wanted: Sequence[int],
        steps: Sequence[Step],
        described: Sequence[ValueInfo | None] = (),
    ) -> None:
        self.start, self.given, self.wanted = [*start, None], [*given], [*wanted]
        self.described = list(described)
        self._places = [*given, *captured]
        self.warns = not all(step.op in _CALM for step in steps)
        own = {place for step in steps if step.op in _OWN for place in step.targets if place}
        self.owns = own.issuperset(wanted) and len({*wanted}) == len(self.wanted)
        kept = {place for place, value in enumerate(start) if value is not None} | {*wanted}
        self._steps = [step[:5] for step in _with_ends(steps, kept, len(start))]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the outputs for inputs and, behind them, arrays from outside."""
        values = self.start.copy()
        for place, array in zip(self._places, arrays, strict=True):
            values[place] = array
        try:
            for step in self._steps:  # this is part of every call
                function, sources, targets, done, label = step
                found = function(*[values[place] for place in sources])
                if type(found) is tuple:
                    for place, array in zip(targets, found, strict=False):
                        values[place] = array
                else:
                    values[targets[0]] = found
                for place in done:
                    values[place] = None
        except _ERRORS as error:
            _refuse(error, label, [values[place] for place in sources])
        return [values[place] for place in self.wanted]


_ERRORS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What functions of nodes raise about their arrays."""


def outputs_of(function: Function, label: str, arrays: Sequence[Any]) -> tuple[Array, ...]:
    """Return what a node gives whose inputs are known."""
    try:
        found = function(*arrays)
    except _ERRORS as error:
        _refuse(error, label, arrays)
    return found if type(found) is tuple else (found,)


def _refuse(error: Exception, label: str, arrays: Sequence[Any]) -> NoReturn:
    """Raise what is wrong with the arrays that a node was given."""
    if isinstance(error, RecursionError):
        raise error
    given = ["nothing" if array is None else _described(array) for array in arrays]
    checks.refuse_call(error, f"{label}: ", ", ".join(given) or "nothing")


def _described(value: Any) -> str:
    return f"{value.dtype} {value.shape}"


def needed(steps: Sequence[Step], wanted: Sequence[int]) -> list[Step]:
    """Return the steps that give what is wanted, or what others of them take."""
    taken, found = {*wanted}, list[Step]()
    for step in reversed(steps):
        if not taken.isdisjoint(step.targets):
            taken.update(step.sources)
            found.append(step)
    return found[::-1]


def _with_ends(steps: Sequence[Step], kept: set[int], aside: int) -> list[Step]:
    """Note at every step but the last which places are needed no more after it; those `kept` are.

    What nobody takes gets the place `aside`, as the place 0 is that of what is left out.
    """
    last: dict[int, int] = {}
    for number, step in enumerate(steps):
        last.update(dict.fromkeys((*step.sources, *step.targets), number))
    ends: list[list[int]] = [[] for _ in steps]
    for place, number in last.items():
        if place not in kept and place and number + 1 < len(steps):
            ends[number].append(place)
    return [
        Step(function, sources, tuple([place or aside for place in targets]), tuple(end), label, op)
        for (function, sources, targets, _, label, op), end in zip(steps, ends, strict=True)
    ]
