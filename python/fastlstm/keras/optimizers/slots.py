"""What an optimizer knows of the variables it trains, and keeps for each of them."""

from collections.abc import Iterable, Sequence
from operator import is_
from typing import Any

import numpy as np

from fastlstm import checks

from ..foundation.arrays import Array, as_array
from ..foundation.rows import RowGradient
from ..foundation.variable import Variable
from .group import Group, Slot
from .table import Table


class Slots:
    """The variables trained, by dtype in groups; and the slots of those trained before, for when they come back."""

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.trained: list[Variable] = []
        self._wanted: list[tuple[tuple[int, ...], np.dtype[Any]]] = []
        self._set_aside: list[tuple[Variable, list[Array]]] = []
        self._kinds: Sequence[Slot] = ()
        self._apart: frozenset[int] = frozenset()
        """Ids of the variables whose gradients come by rows."""

    def build(self, given: Iterable[Variable], slots: Sequence[Slot], owner: str) -> None:
        """Make the slots of every variable; `owner` is the class name of the optimizer."""
        variables = as_variables("variables", given)
        if self.trains(variables):
            return
        self._put_aside()
        self._check_known(variables, owner)
        self.trained, self._wanted, self._kinds = variables, [(v.shape, v.dtype) for v in variables], slots
        self._make_groups()
        self._take_up()

    def _make_groups(self) -> None:
        variables, slots = self.trained, self._kinds
        apart = [i for i, v in enumerate(variables) if id(v) in self._apart]
        self.groups = [Table(variables[i], i, slots) for i in apart]
        others = [(i, v) for i, v in enumerate(variables) if id(v) not in self._apart]
        for dtype in dict.fromkeys(v.dtype for _, v in others):
            indices = [i for i, v in others if v.dtype == dtype]
            self.groups.append(Group([variables[i] for i in indices], indices, slots))

    def set_apart(self, gradients: Sequence[Any]) -> None:
        """Make a `Table` of every variable whose gradient comes by rows."""
        pairs = zip(self.trained, gradients, strict=True)
        apart = {id(variable) for variable, gradient in pairs if isinstance(gradient, RowGradient)}
        if apart <= self._apart:
            return
        self._apart |= apart
        self._put_aside()
        self._make_groups()
        self._take_up()
        trained = {id(variable) for variable in self.trained}
        self._set_aside = [entry for entry in self._set_aside if id(entry[0]) not in trained]

    def trains(self, variables: Any) -> bool:
        """Whether these are the variables trained, in a list."""
        trained = self.trained
        return isinstance(variables, list) and len(variables) == len(trained) and all(map(is_, variables, trained))

    def _check_known(self, variables: list[Variable], owner: str) -> None:
        """Refuse weights that come later: the number of steps, the momenta and the rate are not theirs."""
        known = {id(v) for v, _ in self._set_aside}
        other = [v.path for v in variables if id(v) not in known]
        if known and other:
            first = self._set_aside[0][0].path
            cure = (
                "; give every model an optimizer of its own, and call compile() with a new one when a model gets more "
                "weights to train"
            )
            wanted = f"train the weights it began with, {first} and others"
            checks.complain(ValueError, f"optimizer: this {owner}", wanted, f"{other[0]} as a new one", cure)

    def _put_aside(self) -> None:
        trained = {id(variable) for variable in self.trained}
        self._set_aside = [entry for entry in self._set_aside if id(entry[0]) not in trained]
        for group in self.groups:
            for k, variable in enumerate(group.variables):
                self._set_aside.append((variable, group.slots_of(k)))

    def _take_up(self) -> None:
        earlier = {id(variable): slots for variable, slots in self._set_aside}
        for group in self.groups:
            for k, variable in enumerate(group.variables):
                for slot, values in zip(group.slots_of(k), earlier.get(id(variable), ()), strict=False):
                    slot[...] = values

    def checked_gradients(self, gradients: Any) -> list[Any]:
        """Return the gradients, each an array of its variable's shape, or a `RowGradient` of it."""
        arrays = isinstance(gradients, list) and {*map(type, gradients)} == {np.ndarray}
        if arrays and [(g.shape, g.dtype) for g in gradients] == self._wanted:  # as those of a model are
            return list(gradients)
        given = checks.items("gradients", gradients, "a list of arrays")
        if len(given) != len(self.trained):
            count = len(self.trained)
            checks.complain(ValueError, "gradients", f"be {count} arrays, one for each variable", len(given))
        for i, variable in enumerate(self.trained):
            name = f"gradients: that of {variable.path}"
            if not isinstance(given[i], RowGradient):
                given[i] = as_array(given[i], name, variable.dtype)
            if given[i].shape != variable.shape:
                checks.refuse_shape(name, variable.shape, given[i].shape)
        return given

    def by_variable(self) -> list[list[Array]]:
        """Return the slots of each variable, in their shapes, to read and write."""
        found = {i: group.slots_of(k) for group in self.groups for k, i in enumerate(group.indices)}
        return [found[i] for i in sorted(found)]


def as_variables(name: str, value: Any) -> list[Variable]:
    """`value` as a list of variables."""
    variables = checks.items(name, value, "a list of variables")
    for variable in variables:
        if not isinstance(variable, Variable):
            checks.refuse(TypeError, name, "a list of variables", variable)
    return variables
