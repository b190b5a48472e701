"""A node of a graph, as the builders of operators read it: attributes by kind, constants among its inputs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias

import numpy as np

from fastlstm import checks

from .records import GraphRecord, NodeRecord
from .values import Array

if TYPE_CHECKING:
    from .plan import Plan

Function: TypeAlias = Callable[..., Any]
"""Takes the arrays of a node's inputs, None where one is left out; gives an array, or a tuple of one an output."""


def same(x: Array, *_: Any) -> Array:
    """Return what a node takes first: its output is then another name of that, and no step of the plan."""
    return x


_KINDS = {1: "f", 2: "i", 3: "s", 4: "t", 5: "g", 6: "floats", 7: "ints", 8: "strings"}
"""Fields of attributes by the number of the type."""


MOST_LISTED = 2**18
"""Numbers of a list that is no array: each takes some forty bytes."""


class Surroundings(Protocol):
    """What is around a node."""

    def tensor(self, tensor: Any, owner: str) -> Array:
        """Return the array of a tensor of the model."""

    def inside(self, graph: GraphRecord) -> tuple[Plan, Sequence[str]]:
        """Return the plan of a graph inside, and the names it takes from outside."""


class Node:
    """What a builder of an operator is given.

    Parameters
    ----------
    record : NodeRecord
        The node in the model.
    opset : int
        Version of the operators.
    constants : sequence of ndarray
        Of each input the array if it is known at load, else None.
    wanted : sequence of bool
        Of each output whether anybody takes it.
    around : Surroundings
        The graph it is of.

    Attributes
    ----------
    label
        What errors call it.
    outside
        Names that the graphs inside take from around it.
    """

    def __init__(
        self,
        record: NodeRecord,
        opset: int,
        constants: Sequence[Array | None],
        wanted: Sequence[bool],
        around: Surroundings,
    ) -> None:
        self.label, self.op, self.opset = record.label, record.op, opset
        self.inputs, self.outputs, self.constants, self.wanted = record.inputs, record.outputs, constants, wanted
        self.outside: list[str] = []
        self._attributes, self._graphs, self._around = record.attributes, record.graphs, around
        self._unread = {*record.attributes}

    # -- inputs and outputs ------------------------------------------------------------------------------------------

    def has(self, number: int) -> bool:
        """Whether an input is there."""
        return number < len(self.inputs) and self.inputs[number] != ""

    def constant(self, number: int) -> Array | None:
        """Return an input if it is known at load."""
        return self.constants[number] if number < len(self.constants) else None

    def takes(self, number: int) -> bool:
        """Whether an output is taken by anybody."""
        return number < len(self.wanted) and self.wanted[number]

    def expect(self, least: int, most: int | None = None, outputs: int = 1, optional: Collection[int] = ()) -> None:
        """Refuse the node if it has another number of inputs, or more outputs; `optional` inputs may be left out."""
        most, found = least if most is None else most, len(self.inputs)
        absent = "" in self.inputs and any(not self.has(number) for number in range(least) if number not in optional)
        if not least <= found <= most or absent:
            wanted = str(least) if least == most else f"{least} to {most}"
            checks.complain(ValueError, self.label, f"have {wanted} inputs", checks.shown(self.inputs))
        if len(self.wanted) > outputs:
            checks.complain(ValueError, self.label, f"have at most {outputs} outputs", len(self.wanted))

    # -- attributes --------------------------------------------------------------------------------------------------

    def _value(self, name: str, kind: str, default: Any) -> Any:
        attribute = self._attributes.get(name)
        if attribute is None:
            return default
        self._unread.discard(name)
        if attribute.ref_attr_name or _KINDS.get(attribute.type) != kind:
            got = _KINDS.get(attribute.type, f"the type {attribute.type}")
            checks.complain(ValueError, f"{self.label}: {name}", f"be an attribute of kind {kind!r}", got)
        return getattr(attribute, kind)

    def has_attribute(self, name: str) -> bool:
        """Whether an attribute is there."""
        return name in self._attributes

    def number(self, name: str, default: int | None) -> Any:
        """Return an attribute that is a whole number."""
        return self._value(name, "i", default)

    def truth(self, name: str, default: bool = False) -> bool:
        """Return an attribute that is 0 or 1."""
        return checks.truth(f"{self.label}: {name}", self._value(name, "i", int(default)))

    def real(self, name: str, default: float | None) -> Any:
        """Return an attribute that is a float."""
        return self._value(name, "f", default)

    def text(self, name: str, default: str) -> str:
        """Return an attribute that is a text."""
        return self._text(name, self._value(name, "s", default.encode()))

    def numbers(self, name: str, default: Sequence[int] | None) -> Any:
        """Return an attribute that is a list of whole numbers."""
        found = self._list(name, "ints", default)
        return found if found is None else [int(number) for number in found]

    def reals(self, name: str) -> list[float] | None:
        """Return an attribute that is a list of floats, if it is there."""
        found = self._list(name, "floats")
        return found if found is None else [float(number) for number in found]

    def texts(self, name: str) -> list[str] | None:
        """Return an attribute that is a list of texts, if it is there."""
        found = self._list(name, "strings")
        return found if found is None else [self._text(name, text) for text in found]

    def _list(self, name: str, kind: str, default: Any = None) -> Any:
        found = self._value(name, kind, default)
        if found is not None and len(found) > MOST_LISTED:
            got = f"a list of {len(found)}"
            checks.complain(ValueError, f"{self.label}: {name}", f"be a list of at most {MOST_LISTED}", got)
        return found

    def array(self, name: str, dtype: Any) -> Array:
        """Return an attribute that is a list of numbers of any length, as an array."""
        kind = "ints" if np.dtype(dtype).kind == "i" else "floats"
        return np.asarray(self._value(name, kind, None)).astype(dtype, copy=False)

    def tensor(self, name: str) -> Array | None:
        """Return an attribute that is a tensor, if it is there."""
        found = self._value(name, "t", None)
        return found if found is None else self._around.tensor(found, self.label)

    def plan(self, name: str) -> tuple[Plan, int]:
        """Return a graph inside, and how many arrays from outside it takes behind the inputs of the node."""
        if self._value(name, "g", None) is None:
            checks.complain(ValueError, self.label, f"have the attribute {name!r}", "a node without it")
        plan, taken = self._around.inside(self._graphs[name])
        self.outside += taken
        return plan, len(taken)

    def _text(self, name: str, value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            checks.refuse(ValueError, f"{self.label}: {name}", "text in UTF-8", value)

    def one_of(self, name: str, value: str, valid: Mapping[str, Any] | Sequence[str]) -> str:
        """Return the value of an attribute if it is one of the `valid` names."""
        return checks.one_of(f"{self.label}: {name}", value, valid)

    def refuse(self, name: str, wanted: str, value: Any) -> NoReturn:
        """Raise ValueError about the attribute or input `name`."""
        checks.refuse(ValueError, f"{self.label}: {name}", wanted, value)

    def finish(self) -> None:
        """Refuse the node if it has attributes that its builder does not know."""
        if self._unread:
            got = checks.shown(sorted(self._unread))
            checks.complain(ValueError, self.label, "have attributes that are known", got)
