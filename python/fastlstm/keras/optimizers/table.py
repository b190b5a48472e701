"""A large table of weights, of which a step changes few rows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..foundation.arrays import Array
from ..foundation.rows import RowGradient
from ..foundation.variable import Variable, replace_values, values_now
from .group import Group, Slot


class Table(Group):
    """One variable whose gradient comes by rows: a group of the rows that a step may change.

    These are the rows with a gradient, and those whose slots are not as they began, which go on moving. The others stay
    what they are, as an update of zeros would leave them. Once half of the rows move, all are taken.

    A value that was given out is never written to, so there are two arrays: a step writes into the one that is not the
    value, if nobody else has it any more, what changed in the last two steps. Otherwise it makes another one.
    """

    def __init__(self, variable: Variable, index: int, slots: Sequence[Slot]) -> None:
        super().__init__([variable], [index], slots)
        self._starts = [slot.start for slot in slots]
        self._kept = self.slots
        self._moving: Array | None = None
        """Which rows, in the order in which they began to; None: it must be found out from the slots."""
        self._place: Array = np.zeros(len(variable.value), np.int64)
        """Where among these a row is."""
        self._whole = False
        self._rows: Array = np.empty(0, np.int64)
        self._value: Array | None = None
        self._spare: Array | None = None
        self._differing: Array = self._rows

    def slots_of(self, number: int) -> list[Array]:
        """Return the slots of the table, to read and write."""
        self._moving = None
        return [slot.reshape(self.shapes[0]) for slot in self._kept]

    def collect(self, gradients: Sequence[Any]) -> None:
        """Take the gradient, and the slots of the rows that may change."""
        gradient = gradients[self.indices[0]]
        rows = None if self._whole or not isinstance(gradient, RowGradient) else self._rows_for(gradient)
        if rows is None:
            self._take_whole(gradient)
            return
        shape = (len(rows), self.shapes[0][1])
        size = shape[0] * shape[1]
        self._rows, self.spans = rows, [slice(0, size)]
        self._gradient = np.zeros(size, self._gradient.dtype)
        self._gradient.reshape(shape)[self._place[gradient.places]] = gradient.rows
        self.take([self._gradient[:]])
        self.slots = [slot.reshape(self.shapes[0])[rows].reshape(-1) for slot in self._kept]

    def _take_whole(self, gradient: Any) -> None:
        size = self._place.size * self.shapes[0][1]
        if not self._whole:
            self._whole, self._spare, self._value = True, None, None
            self.spans, self.slots = [slice(0, size)], self._kept
            self._gradient = np.empty(size, self._gradient.dtype)
        self.take([gradient.whole() if isinstance(gradient, RowGradient) else gradient])

    def _rows_for(self, gradient: RowGradient) -> Array | None:
        """Return the rows that may change; None if these are many."""
        places = gradient.places
        if not self._kept:
            self._place[places] = np.arange(len(places))
            return places if 2 * len(places) < len(self._place) else None
        if self._moving is None:
            self._note(np.flatnonzero(self._moved()), from_start=True)
        new = places[self._place[places] < 0]
        if len(new):
            self._note(new)
        assert self._moving is not None
        return self._moving if 2 * len(self._moving) < len(self._place) else None

    def _moved(self) -> Array:
        moved = np.zeros(len(self._place), np.bool_)
        for slot, start in zip(self._kept, self._starts, strict=True):
            moved |= (slot.reshape(self.shapes[0]) != start).any(axis=1)
        return moved

    def _note(self, rows: Array, from_start: bool = False) -> None:
        if from_start or self._moving is None:
            self._moving = np.empty(0, np.int64)
            self._place.fill(-1)
        count = len(self._moving)
        self._place[rows] = np.arange(count, count + len(rows))
        self._moving = np.concatenate([self._moving, rows])

    def weights(self) -> Array:
        """Return the rows that may change, in one array that nobody may write to."""
        if self._whole:
            return super().weights()
        (value,) = values_now(self.variables).values()
        return value[self._rows].reshape(-1)

    def room(self) -> Array:
        """Return an array for what the rows that may change become."""
        return super().room() if self._whole else np.empty(self.spans[-1].stop, self._gradient.dtype)

    def commit(self, flat: Array) -> None:
        """Make `flat` the values of the rows that may change."""
        if self._whole:
            super().commit(flat)
            return
        rows, shape = self._rows, (len(self._rows), self.shapes[0][1])
        for kept, slot in zip(self._kept, self.slots, strict=True):
            kept.reshape(self.shapes[0])[rows] = slot.reshape(shape)
        (before,) = values_now(self.variables).values()
        after = self._free_copy(before)
        after[rows] = flat.reshape(shape)
        after.flags.writeable = False
        replace_values(self.variables, [after])
        self.take([])
        self._value, self._spare, self._differing = after, before, rows

    def _free_copy(self, before: Array) -> Array:
        """Return a copy of the value that may be written to: the spare array brought up to date, if it is free."""
        ours = before is self._value and self._spare is not None and self._spare.base is None
        if not ours or sys.getrefcount(self._spare) > 2:  # that of this attribute, and that of the question
            return np.array(before, order="C")
        spare, self._spare = self._spare, None  # until the step is done
        assert spare is not None
        spare.flags.writeable = True
        spare[self._differing] = before[self._differing]
        return spare
