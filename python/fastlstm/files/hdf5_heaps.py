"""Texts in HDF5 lie in heaps, whose lengths the library believes: it fills memory, goes round for ever, or crashes."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from fastlstm import checks

from .hdf5_headers import Data, number_at, values_of_attribute

_START = b"GCOL\x01"
"""Of a heap, of the only version there is; three bytes and its length follow."""
_HEADER = 16
"""Bytes before the objects of a heap, and before the bytes of each object; these come in steps of eight."""
_SHORTEST = 4096
"""Heaps that are shorter are refused by the library."""
_ENTRY = 16
"""Bytes of a text in an attribute: its length, the place of its heap, and its number there."""
MOST_TEXTS = 100_000
"""Of one file: each takes some hundred bytes of memory to know."""


class Texts:
    """The lengths of all texts of a file, which must make sense.

    Parameters
    ----------
    source : path
        The path, or the file in memory.
    base : int
        Where in the file the places in it count from.
    name : str
        The name of the file, for errors.
    """

    def __init__(self, source: Path | BinaryIO, base: int, name: str) -> None:
        self.data, self.base, self.name = _bytes_of(source), base, name
        self.lengths = dict[tuple[int, int], int]()
        """By the place of the heap, and the number of the text in it."""
        for start in _heaps(self.data):
            self._read(start)

    def _refuse(self) -> NoReturn:
        got = "one whose lengths of texts make no sense"
        checks.complain(ValueError, self.name, "be a whole file of the format HDF5", got)

    def _read(self, start: int) -> None:
        """Find the texts of a heap, of which each must end in it, behind its own beginning."""
        size = number_at(self.data, start + 8)
        at, end = start + _HEADER, start + size
        if size < _SHORTEST:
            return
        if end > len(self.data):
            self._refuse()
        while at + _HEADER <= end:
            number, length = number_at(self.data, at, 2), number_at(self.data, at + 8)
            at += _HEADER + -(-length // 8) * 8 if number else length
            key = (start - self.base, number)
            if at > end or key in self.lengths or not (number or length) or len(self.lengths) >= MOST_TEXTS:
                self._refuse()
            if number:
                self.lengths[key] = length

    def check(self, place: int, attribute: str, count: int) -> None:
        """Refuse an attribute whose texts have other lengths there than in their heaps.

        Parameters
        ----------
        place : int
            Of the header of the group or array.
        attribute : str
            The name.
        count : int
            The number of texts.
        """
        found = [*values_of_attribute(self.data, place, self.base, attribute.encode())]
        if not found or any(len(value) < count * _ENTRY for value in found):
            self._refuse()
        for value in found:
            for at in range(0, count * _ENTRY, _ENTRY):
                length, heap, number = (number_at(value, at + k, width) for k, width in ((0, 4), (4, 8), (12, 4)))
                if heap and self.lengths.get((heap, number)) != length:  # those at 0 are empty
                    self._refuse()


def _bytes_of(source: Path | BinaryIO) -> Data:
    if not isinstance(source, Path):
        source.seek(0)
        return source.read()
    with source.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _heaps(data: Data) -> Iterator[int]:
    start = data.find(_START)
    while start >= 0:
        yield start
        start = data.find(_START, start + 1)
