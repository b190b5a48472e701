"""Graphs of a model, checked and laid out: every name stands for one place, and what is known at load is worked out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from .facts import Facts
from .network import Network
from .node import Function, Node, same
from .operators import OPERATORS
from .plan import Plan, Step, needed, outputs_of
from .records import GraphRecord, NodeRecord, graph_record
from .stacking import stacked
from .states import wires_of
from .tensors import array_of
from .values import Array, ValueInfo, value_info

_FOLDED = frozenset(
    {
        *("Cast", "Concat", "DequantizeLinear", "Neg"),
        *("Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"),
    }
)
"""What is worked out at load where all it takes is known: operators that give no more than they take."""

_VIEWS = frozenset({"Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"})
"""Of these, what takes no memory of its own."""

_SPARE = 2**24
"""Bytes that may be worked out at load, beyond as many as the constants of the main graph have."""

_MISSING = 0
"""The place of an input that is left out, or of an output nobody takes."""


class Source(NamedTuple):
    """Where a model comes from."""

    owner: str
    """What errors call it."""
    folder: Path | None
    """Where files with values of tensors may lie."""


def network_of(graph: Any, opset: int, source: Source) -> Network:
    """Lay out the main graph of a model."""
    record = graph_record(graph, source.owner)
    layout = _Layout(record, opset, source, None)
    outputs = [value_info(proto, source.owner) for proto in record.outputs]
    return Network(layout.plan(), layout.inputs, outputs, opset, wires_of(record), source.owner)


class _Allowance:
    """How many bytes may yet be worked out at load, in the main graph and the graphs inside.

    Parameters
    ----------
    constants : sequence of ndarray
        Those of the main graph, None among them.
    """

    def __init__(self, constants: Sequence[Array | None]) -> None:
        self._left = _SPARE + sum([array.nbytes for array in constants if array is not None])

    def has(self, count: int) -> bool:
        """Whether there are so many, which are then counted."""
        enough = count <= self._left
        self._left -= count if enough else 0
        return enough


class _Layout:
    """The places of a graph while its nodes are laid out.

    Parameters
    ----------
    graph : GraphRecord
        The graph in the model.
    opset : int
        Version of the operators.
    source : Source
        Of the model.
    outer : Layout, optional
        The layout around, whose names the graph sees; None: there is none.
    """

    def __init__(self, graph: GraphRecord, opset: int, source: Source, outer: _Layout | None) -> None:
        self.opset, self.source, self.outer = opset, source, outer
        self.owner, self.used = graph.owner, graph.used
        self.start: list[Any] = [None]
        self.facts = Facts(self.start)
        self.inputs: list[ValueInfo] = []
        self.places: dict[str, int] = {"": _MISSING}
        self.captured: dict[str, int] = {}
        self.steps: list[Step] = []
        for tensor in graph.initializers:
            self._define(tensor.name, self.tensor(tensor, self.owner))
        self.given = [self._input(proto) for proto in graph.inputs if outer or proto.name not in self.places]
        for name, tensor in graph.constants:
            self._define(name, self.tensor(tensor, f"{self.owner}: {name!r} (Constant)"))
        self.allowance: _Allowance = _Allowance(self.start) if outer is None else outer.allowance
        for node in graph.nodes:
            self._add(node)
        self.wanted = [self.place(proto.name, f"{self.owner}: output") for proto in graph.outputs]

    def plan(self, described: Sequence[ValueInfo | None] = ()) -> Plan:
        """Return the steps."""
        steps = stacked(needed(self.steps, self.wanted), self.wanted, self.facts)
        return Plan(self.start, self.given, list(self.captured.values()), self.wanted, steps, described)

    # -- names -------------------------------------------------------------------------------------------------------

    def _define(self, name: str, value: Array | None = None) -> int:
        place = len(self.start)
        self._name(name, place)
        self.start.append(value)
        return place

    def _input(self, proto: Any) -> int:
        place = self._define(proto.name)
        if self.outer is None:  # nobody holds what is given to a graph inside to its description
            self.inputs.append(value_info(proto, self.owner))
            self.facts.given(place, self.inputs[-1].shape)
        return place

    def _name(self, name: str, place: int) -> None:
        if name in self.places:
            checks.complain(ValueError, f"{self.owner}: names", "each stand for one thing", f"{name!r} for two")
        self.places[name] = place

    def place(self, name: str, label: str) -> int:
        """Return the place of a name, which may be one from outside."""
        if not name or name not in self.places:
            if not name or self.outer is None or not self.outer.knows(name):
                cure = "; nodes come after those that they need"
                checks.complain(ValueError, label, "take what is there before", f"{name!r}, which is not{cure}")
            constant = self.outer.constant(name)
            self._define(name, constant)
            if constant is None:
                self.captured[name] = self.places[name]
        return self.places[name]

    def knows(self, name: str) -> bool:
        """Whether a name stands for anything, here or outside."""
        return name in self.places or (self.outer is not None and self.outer.knows(name))

    def constant(self, name: str) -> Array | None:
        """Return what a name stands for, if that is known."""
        if name in self.places:
            constant: Array | None = self.start[self.places[name]]
            return constant
        return None if self.outer is None else self.outer.constant(name)

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _add(self, record: NodeRecord) -> None:
        build = OPERATORS.get((_DOMAINS.get(record.domain, record.domain), record.op))
        if build is None:
            operator = f"{record.domain}.{record.op}" if record.domain else record.op
            checks.complain(ValueError, record.label, "be of an operator that is known", operator)
        places, used = self.places, self.used
        sources = [places[name] if name in places else self.place(name, record.label) for name in record.inputs]
        constants = [self.start[place] for place in sources]
        node = Node(record, self.opset, constants, [name in used for name in record.outputs], self)
        found = build(node)
        node.finish()
        if isinstance(found, np.ndarray):
            self._known(record.outputs, (found,))
        elif found is same:
            for name in filter(None, record.outputs):
                self._name(name, sources[0])
        elif self._can_fold(node, sources):
            self._known(record.outputs, outputs_of(found, node.label, constants))
        else:
            self._step(node, found, sources)

    def _known(self, names: Sequence[str], arrays: Sequence[Array]) -> None:
        """Define what a node gives."""
        for name, array in zip(names, arrays, strict=False):
            if name:
                self._define(name, np.asarray(array))

    def _step(self, node: Node, function: Function, sources: Sequence[int]) -> None:
        """Add a node that is run with the graph."""
        if node.outside:
            sources = [*sources, *[self.place(name, node.label) for name in node.outside]]
        targets = [self._define(name) if name else _MISSING for name in node.outputs]
        function, kept = self.facts.settled(node, function, sources)
        self.steps.append(Step(function, tuple(kept), tuple(targets), (), node.label, node.op))
        self.facts.note(node, self.steps[-1])

    def tensor(self, tensor: Any, owner: str) -> Array:
        """Return the array of a tensor of the model."""
        return array_of(tensor, self.source.folder, owner)

    def inside(self, graph: GraphRecord) -> tuple[Plan, Sequence[str]]:
        """Return the plan of a graph inside, and the names it takes from outside."""
        layout = _Layout(graph, self.opset, self.source, self)
        described = [_described(proto, layout.owner) for proto in graph.outputs]
        return layout.plan(described), [*layout.captured]

    def _can_fold(self, node: Node, sources: Sequence[int]) -> bool:
        """Whether a node can be worked out at load."""
        if node.op not in _FOLDED or node.outside:
            return False
        constants = [self.start[place] for place in sources if place != _MISSING]
        for constant in constants:
            if constant is None:
                return False
        taken = 0 if node.op in _VIEWS else sum([constant.nbytes for constant in constants])
        return self.allowance.has(taken)


_DOMAINS = {"ai.onnx": ""}


def _described(proto: Any, owner: str) -> ValueInfo | None:
    """Return what is said of an output of a graph inside, which may be nothing."""
    return value_info(proto, owner) if proto.type.WhichOneof("value") else None
