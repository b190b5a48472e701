"""What attributes of groups and arrays hold in a file of HDF5 byte by byte, of which its library shows nothing."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

Data: TypeAlias = bytes | mmap.mmap

_START, _CHECKSUM = 4, 4
"""Bytes of the mark that begins a block of a header of the second version, and of what ends it."""
_ATTRIBUTE, _CONTINUATION = 12, 16
"""Kinds of messages."""
_SHARED = 2
"""The flag of a message that lies elsewhere."""


def number_at(data: Data, place: int, width: int = 8) -> int:
    """Return the whole number of so many bytes at a place; what is past the end counts as zeros."""
    return int.from_bytes(data[place : place + width], "little")


class _Layout(NamedTuple):
    """Where the messages of a header are."""

    begin: int
    length: int
    """Of the first block."""
    kind: int
    """Bytes of what says the kind of a message; its length and flags follow."""
    head: int
    """Bytes before a message."""
    edges: tuple[int, int]
    """Bytes of every other block, before the messages and in all, that are none of them."""


def values_of_attribute(data: Data, place: int, base: int, name: bytes) -> Iterator[bytes]:
    """Return the bytes of every attribute of that name; none of those that lie apart from the header.

    Parameters
    ----------
    data : Data
        The file.
    place : int
        Of the header of the group or array, from `base` on.
    base : int
        Where in the file the places in it count from.
    name : bytes
        Of the attribute.
    """
    for body in _attributes(data, place, base):
        version, sizes = body[:1], [number_at(body, at, 2) for at in (2, 4, 6)]
        begin = 9 if version == b"\3" else 8
        if body[begin : begin + sizes[0]].partition(b"\0")[0] == name:
            yield body[begin + sum(-(-size // 8) * 8 if version == b"\1" else size for size in sizes) :]


def _attributes(data: Data, place: int, base: int) -> Iterator[bytes]:
    layout = _layout(data, base + place)
    waiting, met = [(layout.begin, layout.length)], set[int]()
    while waiting:
        at, length = waiting.pop()
        end = min(at + length, len(data))
        while at + layout.head <= end and at not in met:
            met.add(at)
            kind, size = number_at(data, at, layout.kind), number_at(data, at + layout.kind, 2)
            flags, body = number_at(data, at + layout.kind + 2, 1), data[at + layout.head : at + layout.head + size]
            if kind == _CONTINUATION:
                before, less = layout.edges
                waiting.append((base + number_at(body, 0) + before, number_at(body, 8) - less))
            if kind == _ATTRIBUTE and not flags & _SHARED:
                yield body
            at += layout.head + size


def _layout(data: Data, place: int) -> _Layout:
    if data[place : place + _START] != b"OHDR":
        return _Layout(place + 16, number_at(data, place + 8, 4), 2, 8, (0, 0))
    flags = number_at(data, place + 5, 1)
    begin, width = place + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0), 1 << (flags & 3)
    head = 6 if flags & 4 else 4
    return _Layout(begin + width, number_at(data, begin, width), 1, head, (_START, _START + _CHECKSUM))
