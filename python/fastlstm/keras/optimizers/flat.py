"""Weights of one dtype as parts of one array."""

from collections.abc import Sequence
from sys import getrefcount

import numpy as np

from ..foundation.arrays import Array


def spans_of(sizes: Sequence[int]) -> list[slice]:
    """Return where parts of these sizes lie, one after the other."""
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]


class Flat:
    """An array and its parts in shapes of their own, which nobody can write to.

    Parameters
    ----------
    array : ndarray
        Owns its memory.
    spans : sequence of slice
        Where in it the parts lie.
    shapes : sequence of tuple of int
        Those of the parts.

    Examples
    --------
    >>> import numpy as np
    >>> flat = Flat(np.arange(3.0), [slice(0, 2), slice(2, 3)], [(1, 2), ()])
    >>> part, _ = flat.parts
    >>> part.tolist(), flat.is_free()
    ([[0.0, 1.0]], False)
    """

    def __init__(self, array: Array, spans: Sequence[slice], shapes: Sequence[tuple[int, ...]]) -> None:
        self.array = array
        array.flags.writeable = False  # and so are the parts
        self.parts = [array[span].reshape(shape) for span, shape in zip(spans, shapes, strict=True)]

    def is_free(self) -> bool:
        """Whether nobody else has the array or a part of it any more."""
        if self.parts[0].base is not self.array:  # this is a copy, whose parts are arrays of their own
            return False
        asked = 2  # the reference of this object, and that of the question
        return getrefcount(self.array) <= asked + len(self.parts) and max(map(getrefcount, self.parts)) <= asked
