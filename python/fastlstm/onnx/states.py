"""Which outputs of a graph are the states that its inputs start from."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from fastlstm import checks

from .records import GraphRecord
from .values import ValueInfo

_STARTS = {"LSTM": {5: "h", 6: "c"}, "GRU": {5: "h"}, "RNN": {5: "h"}}
"""Inputs of recurrent nodes that are states to start with."""
_ENDS = {1: "h", 2: "c"}
"""Outputs of them that are states to go on from."""

_MOVING = frozenset(
    {
        *("Cast", "Concat", "Expand", "Gather", "Identity", "Reshape"),
        *("Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"),
    }
)
"""Operators that hand numbers on as they are."""

_TELLING = _MOVING | {*_STARTS, "If"}
"""Operators that tell which outputs are states."""

_JOINING = ("Concat", "If")
"""Where an output comes of all that a node takes, and not of the first alone."""

_BRANCH = "\0"
"""What parts a name in a branch from the number of the branch."""

State = tuple[int, str]
"""Number of a recurrent node, and which of its states."""


class Wire(NamedTuple):
    """A node and its names."""

    op: str
    inputs: Sequence[str]
    outputs: Sequence[str]


def wires_of(graph: GraphRecord) -> list[Wire]:
    """Return the nodes of a graph, and of the branches in it, that tell what is a state."""
    found: list[Wire] = []
    _wire(graph, ChainMap(), count(), found)
    return found


def _wire(graph: GraphRecord, names: ChainMap[str, str], numbers: Iterator[int], found: list[Wire]) -> list[str]:
    """Add the nodes of a graph, and return the names of its outputs; `names` are those that stand for others.

    The two branches of an If may use the same names, so those of each get its number.
    """
    end = f"{_BRANCH}{next(numbers)}" if len(names.maps) > 1 else ""
    if end:
        names.update({name: f"{name}{end}" for name, _ in graph.constants})
    for node in graph.nodes:
        op, inputs, outputs = node.op, node.inputs, node.outputs
        if not end and op not in _TELLING:  # as most
            continue
        inside = node.graphs.values() if op == "If" else ()
        branches = inside and [_wire(branch, names.new_child(), numbers, found) for branch in inside]
        if end:  # names of the graph around all branches stay as they are
            inputs = [names.get(name, name) for name in inputs]
            outputs = [f"{name}{end}" for name in outputs]
            names.update(zip(node.outputs, outputs, strict=True))
        if branches:
            found.extend(Wire("If", ends, [name]) for name, *ends in zip(outputs, *branches, strict=False))
        if op in _MOVING or op in _STARTS:
            found.append(Wire(op, inputs, outputs))
    return [names.get(proto.name, proto.name) for proto in graph.outputs]


def paired(
    wires: Sequence[Wire], inputs: Sequence[ValueInfo], outputs: Sequence[ValueInfo], owner: str
) -> dict[str, str]:
    """Return the names of outputs by those of the inputs that they replace in the next call.

    An input and an output belong together if the input starts the same states of recurrent nodes as the output is made
    of, with nothing but moves of numbers and choices between branches. A node in a branch that starts from no input is
    what runs in place of another one, where there is no state yet, and does not count.
    """
    makers = {name: wire for wire in wires for name in wire.outputs}
    started = _started(wires, makers)
    carried: set[State] = set[State]().union(*[started.get(info.name, ()) for info in inputs])
    ended = _ended(wires)
    found: dict[str, str] = {}
    for info in inputs:
        own: set[State] = started.get(info.name, set())
        fitting = [
            out for out in outputs if own and own == _states_of(out.name, makers, ended, carried) and _fits(info, out)
        ]
        if len(fitting) > 1:
            cure = "; say which with states="
            checks.complain(ValueError, owner, f"have one output for the state {info.name!r}", _names(fitting), cure)
        if fitting:
            found[info.name] = fitting[0].name
    if not found:
        cure = "; say which inputs are states with states={input: output}"
        got = f"inputs {_names(inputs)} and outputs {_names(outputs)}, of which none are known to be{cure}"
        checks.complain(ValueError, owner, "have states among its inputs and outputs", got)
    return found


def _started(wires: Sequence[Wire], makers: Mapping[str, Wire]) -> dict[str, set[State]]:
    """Return which states start from each name."""
    found: dict[str, set[State]] = {}
    for number, wire in enumerate(wires):
        for port, state in _STARTS.get(wire.op, {}).items():
            for name in _reached(wire.inputs[port : port + 1], makers):
                found.setdefault(name, set()).add((number, state))
    return found


def _ended(wires: Sequence[Wire]) -> dict[str, State]:
    """Return the names of the states that recurrent nodes end with."""
    return {
        wire.outputs[port]: (number, state)
        for number, wire in enumerate(wires)
        if wire.op in _STARTS
        for port, state in _ENDS.items()
        if port < len(wire.outputs)
    }


def _states_of(
    name: str, makers: Mapping[str, Wire], ended: Mapping[str, State], carried: Collection[State]
) -> set[State]:
    """Return the states that an output is made of, if it is made of nothing else."""
    reached = _reached([name], makers)
    if not reached <= ended.keys():
        return set()
    return {ended[part] for part in reached if ended[part] in carried or _BRANCH not in part}


def given_pairs(states: Any, inputs: Sequence[ValueInfo], outputs: Sequence[ValueInfo]) -> dict[str, str]:
    """Check what was given as states: names of outputs by those of inputs."""
    pairs: Mapping[str, Any] = checks.settings("states", states)
    known, ends = {info.name: info for info in inputs}, {info.name: info for info in outputs}
    for name, end in pairs.items():
        first, last = (
            known[checks.one_of("states: input", name, known)],
            ends[checks.one_of("states: output", end, ends)],
        )
        if not _fits(first, last):
            checks.complain(ValueError, f"states: {name}", f"be like the output {end}", f"{first} and {last}")
    if not pairs:
        checks.refuse(ValueError, "states", "a dict from inputs to the outputs that replace them", states)
    return dict(pairs)


def _names(infos: Iterable[ValueInfo]) -> str:
    return ", ".join(repr(info.name) for info in infos)


def _reached(names: Sequence[str], makers: Mapping[str, Wire]) -> set[str]:
    """Return the names that others come from by moves alone."""
    found, waiting, seen = set[str](), [name for name in names if name], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        wire = makers.get(name)
        if wire is None or wire.op in _STARTS:
            found.add(name)
        else:
            waiting.extend(wire.inputs if wire.op in _JOINING else wire.inputs[:1])
    return found


def _fits(first: ValueInfo, last: ValueInfo) -> bool:
    """Whether arrays of one may be those of the other."""
    if first.dtype != last.dtype:
        return False
    if first.shape is None or last.shape is None:
        return True
    return len(first.shape) == len(last.shape) and all(
        a == b or not (isinstance(a, int) and isinstance(b, int)) for a, b in zip(first.shape, last.shape, strict=True)
    )
