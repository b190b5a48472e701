"""The same numbers elsewhere in memory: strides of every kind, no alignment, two arrays in one block."""

from __future__ import annotations

import numpy as np
from helpers import Array
from hypothesis import strategies as st


def _room(shape: tuple[int, ...], spread: tuple[int, ...], dtype: np.dtype) -> Array:
    """A view of that shape into a larger array, of which it takes every so many elements."""
    whole = np.full([size * step for size, step in zip(shape, spread, strict=True)], np.nan, dtype)
    return whole[tuple(slice(None, None, step) for step in spread)]


def _unaligned(array: Array) -> Array:
    room = np.ndarray(array.shape, array.dtype, bytearray(array.nbytes + 1), 1)
    return room


# An array of the same shape, to be filled. The first ones have a last axis without gaps, as outputs must.
_ROOMS = {
    "plain": np.empty_like,
    "wide rows": lambda a: np.empty((*a.shape[:-1], a.shape[-1] + 3), a.dtype)[..., : a.shape[-1]],
    "every other row": lambda a: _room(a.shape, (*(2 for _ in a.shape[:-1]), 1), a.dtype),
    "rows backward": lambda a: np.empty_like(a)[(*(slice(None, None, -1) for _ in a.shape[:-1]), ...)],
    "first axes swapped": lambda a: np.moveaxis(np.empty((*a.shape[-2::-1], a.shape[-1]), a.dtype), -1, 0).T,
    "columns first": lambda a: np.empty(a.shape, a.dtype, order="F"),
    "every third column": lambda a: _room(a.shape, (*(1 for _ in a.shape[:-1]), 3), a.dtype),
    "all backward": lambda a: np.empty_like(a)[tuple(slice(None, None, -1) for _ in a.shape)],
    "unaligned": _unaligned,
    "other byte order": lambda a: np.empty(a.shape, a.dtype.newbyteorder()),
    "read-only": np.empty_like,
}
dense_last = st.sampled_from(list(_ROOMS)[:5])
element_strides = st.sampled_from(list(_ROOMS)[:8])
anything = st.sampled_from(list(_ROOMS))


def room_for(array: Array, arrangement: str) -> Array:
    """An array of NaN in the shape of another and in that arrangement."""
    room = _ROOMS[arrangement](array)
    room[...] = np.nan
    return room


def arranged(array: Array | None, arrangement: str) -> Array | None:
    """A copy of an array in that arrangement."""
    if array is None:
        return None
    room = room_for(array, arrangement)
    room[...] = array
    room.flags.writeable = arrangement != "read-only"
    return room


@st.composite
def two_places(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Where two arrays of rows lie in one block: a pitch beyond the longer row, two offsets, the order of the rows.

    So the second is the first itself, shifted against it, partly over it, between its rows, or turned about.
    """
    offset = st.one_of(st.just(0), st.integers(0, 9), st.integers(0, 300))
    return draw(st.sampled_from([0, 1, 7, 64])), draw(offset), draw(offset), draw(st.sampled_from([1, 1, -1]))


def in_one_block(x: Array, y_size: int, places: tuple[int, int, int, int]) -> tuple[Array, Array]:
    """A copy of `x (..., I)`, and room for an output `(..., y_size)` that may share its memory."""
    gap, x_offset, y_offset, order = places
    rows, pitch = int(np.prod(x.shape[:-1])), max(x.shape[-1], y_size) + gap
    block = np.zeros(rows * pitch + pitch + 300, x.dtype)

    def view(offset: int, size: int, order: int) -> Array:
        matrix = block[offset : offset + rows * pitch].reshape(rows, pitch)[::order, :size]
        parts = matrix.reshape(*x.shape[:-1], size)
        assert rows * size == 0 or np.shares_memory(parts, block)
        return parts

    first, second = view(x_offset, x.shape[-1], 1), view(y_offset, y_size, order)
    first[...] = x
    return first, second


def laid_over(like: Array, array: Array, offset: int) -> tuple[Array, Array]:
    """Room for an output in the shape of `like`, and a copy of an input that begins `offset` numbers into it."""
    block = np.zeros(like.size + offset + array.size, array.dtype)
    inner = block[offset : offset + array.size].reshape(array.shape)
    inner[...] = array
    return block[: like.size].reshape(like.shape), inner
