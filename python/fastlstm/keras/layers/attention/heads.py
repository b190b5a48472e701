"""Projections of several heads as stacks of matrices, one for everything that is looked up by itself."""

from __future__ import annotations

import math

from ...foundation.arrays import Array


class Axes:
    """Which axes of projections ``(N, ..., heads, size)`` queries look along.

    Parameters
    ----------
    rank : int
        Number of axes of a projection.
    looked : tuple of int
        The axes to look along.
    """

    def __init__(self, rank: int, looked: tuple[int, ...]) -> None:
        self.looked = looked
        apart = [axis for axis in range(rank - 1) if axis not in looked]
        self._order = [*apart, *looked, rank - 1]
        self._back = sorted(range(rank), key=self._order.__getitem__)

    def matrices(self, x: Array) -> Array:
        """Return a projection as matrices: a row for each place along the axes to look along."""
        moved = x.transpose(self._order)
        rows = math.prod(moved.shape[-1 - len(self.looked) : -1])
        return moved.reshape(*moved.shape[: -1 - len(self.looked)], rows, moved.shape[-1])

    def projection(self, matrices: Array, shape: tuple[int, ...]) -> Array:
        """Undo `matrices` of a projection of a `shape`."""
        return matrices.reshape([shape[axis] for axis in self._order]).transpose(self._back)

    def scores(self, query: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the scores for projections of these shapes, each axis for itself."""
        apart = (query[axis] for axis in self._order[: -1 - len(self.looked)])
        return *apart, *(query[axis] for axis in self.looked), *(key[axis] for axis in self.looked)
