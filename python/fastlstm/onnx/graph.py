"""Graphs of a model, checked and laid out: every name stands for one place, and what is known at load is worked out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

from .facts import Facts
from .names import check_names_beside_nodes, check_names_in, names_used
from .network import Network
from .node import Node, same
from .operators import OPERATORS
from .plan import Plan, Step, needed, outputs_of
from .stacking import stacked
from .states import wires_of
from .tensors import array_of
from .values import Array, ValueInfo, value_info

_FOLDED = frozenset(
    {
        *("Constant", "Cast", "Concat", "DequantizeLinear", "Neg"),
        *("Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"),
    }
)
"""What is worked out at load where all it takes is known: operators that give no more than they take."""

_VIEWS = frozenset({"Constant", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"})
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
    layout = _Layout(graph, opset, source, None)
    outputs = [value_info(proto, source.owner) for proto in graph.output]
    return Network(layout.plan(), layout.inputs, outputs, opset, wires_of(graph), source.owner)


class _Layout:
    """The places of a graph while its nodes are laid out.

    Parameters
    ----------
    graph
        The graph in the model.
    opset
        Version of the operators.
    source
        Of the model.
    outer
        The layout around, whose names the graph sees; None: there is none.
    """

    def __init__(self, graph: Any, opset: int, source: Source, outer: _Layout | None) -> None:
        self.opset, self.source, self.outer = opset, source, outer
        self.owner = source.owner if outer is None else f"{source.owner}: graph {graph.name!r}"
        self.used = names_used(graph, self.owner)
        check_names_beside_nodes(graph, self.owner)
        self.start: list[Any] = [None]
        self.facts = Facts(self.start)
        self.inputs: list[ValueInfo] = []
        self.places: dict[str, int] = {}
        self.captured: dict[str, int] = {}
        self.steps: list[Step] = []
        self.root: _Layout = self if outer is None else outer.root
        for tensor in graph.initializer:
            self._define(tensor.name, array_of(tensor, source.folder, self.owner))
        self.left: int = _SPARE + sum(array.nbytes for array in self.start if array is not None)
        if len(graph.sparse_initializer):
            checks.complain(ValueError, self.owner, "have dense tensors", "sparse ones")
        self.given = [self._input(proto) for proto in graph.input if outer or proto.name not in self.places]
        for number, proto in enumerate(graph.node):
            self._add(proto, f"{self.owner}: node {number}{f' {proto.name!r}' if proto.name else ''} ({proto.op_type})")
        self.wanted = [self.place(proto.name, f"{self.owner}: output") for proto in graph.output]

    def plan(self, described: Sequence[ValueInfo | None] = ()) -> Plan:
        """Return the steps."""
        steps = stacked(needed(self.steps, self.wanted), self.wanted, self.facts)
        return Plan(self.start, self.given, list(self.captured.values()), self.wanted, steps, described)

    # -- names -------------------------------------------------------------------------------------------------------

    def _define(self, name: str, value: Array | None = None) -> int:
        self._name(name, len(self.start))
        self.start.append(value)
        return self.places[name]

    def _input(self, proto: Any) -> int:
        place = self._define(proto.name)
        if self.outer is None:  # nobody holds what is given to a graph inside to its description
            self.inputs.append(value_info(proto, self.owner))
            self.facts.given(place, self.inputs[-1].shape)
        return place

    def _name(self, name: str, place: int) -> None:
        if name in self.places or not name:
            checks.complain(ValueError, f"{self.owner}: names", "each stand for one thing", f"{name!r} for two")
        self.places[name] = place

    def place(self, name: str, label: str) -> int:
        """Return the place of a name, which may be one from outside."""
        if name not in self.places:
            if self.outer is None or not self.outer.knows(name):
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

    def _add(self, proto: Any, label: str) -> None:
        check_names_in(proto, label)
        build = OPERATORS.get((_DOMAINS.get(proto.domain, proto.domain), proto.op_type))
        if build is None:
            operator = f"{proto.domain}.{proto.op_type}" if proto.domain else proto.op_type
            checks.complain(ValueError, label, "be of an operator that is known", operator)
        sources = [self.place(name, label) if name else _MISSING for name in proto.input]
        outside: list[str] = []
        wanted = [name in self.used for name in proto.output]
        constants = [self.start[place] for place in sources]
        node = Node(proto, label, self.opset, constants, wanted, self._tensor(label), self._inner(outside))
        function = build(node)
        node.finish()
        if function is same:
            for name in filter(None, proto.output):
                self._name(name, sources[0])
            return
        sources += [self.place(name, label) for name in outside]
        if self._can_fold(node, constants, outside):
            for name, array in zip(proto.output, outputs_of(function, label, constants), strict=False):
                if name:
                    self._define(name, np.asarray(array))
            return
        targets = [self._define(name) if name else _MISSING for name in proto.output]
        sources = self.facts.without_zeros(function, sources)
        self.steps.append(Step(function, tuple(sources), tuple(targets), (), label, node.op))
        self.facts.note(node, self.steps[-1])

    def _tensor(self, label: str) -> Any:
        return lambda tensor: array_of(tensor, self.source.folder, label)

    def _inner(self, outside: list[str]) -> Any:
        """Return a function that lays out a graph inside, and notes which names it takes from `outside`."""

        def plan_of(graph: Any) -> tuple[Plan, int]:
            layout = _Layout(graph, self.opset, self.source, self)
            outside.extend(layout.captured)
            described = [_described(proto, layout.owner) for proto in graph.output]
            return layout.plan(described), len(layout.captured)

        return plan_of

    def _can_fold(self, node: Node, constants: Sequence[Array | None], outside: Sequence[str]) -> bool:
        known = all(constant is not None for number, constant in enumerate(constants) if node.has(number))
        if node.op not in _FOLDED or outside or not known:
            return False
        taken = 0 if node.op in _VIEWS else sum(constant.nbytes for constant in constants if constant is not None)
        if taken > self.root.left:
            return False
        self.root.left -= taken
        return True


_DOMAINS = {"ai.onnx": ""}


def _described(proto: Any, owner: str) -> ValueInfo | None:
    """Return what is said of an output of a graph inside, which may be nothing."""
    return value_info(proto, owner) if proto.type.WhichOneof("value") else None
