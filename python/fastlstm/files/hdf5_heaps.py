"""Texts in HDF5 lie in heaps, whose lengths the library believes: it fills memory, or goes round for ever."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fastlstm import checks

_START = b"GCOL\x01"
"""Of a heap, of the only version there is; three bytes and its length follow."""
_HEADER = 16
"""Bytes before the objects of a heap, and before the bytes of each object; these come in steps of eight."""
_SHORTEST = 4096
"""Heaps that are shorter are refused by the library."""


def check_heaps(source: Path | BinaryIO, name: str) -> None:
    """Raise ValueError unless every object of every heap of a file ends in its heap, behind its own beginning."""
    if not isinstance(source, Path):
        source.seek(0)
        _check(source.read(), name)
    elif source.stat().st_size:
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _check(data, name)


def _check(data: bytes | mmap.mmap, name: str) -> None:
    for start in _heaps(data):
        size = _number(data, start + 8)
        fits = size <= len(data) - start
        if size >= _SHORTEST and not (fits and _is_sound(data, start, start + size)):
            got = "one whose lengths of texts make no sense"
            checks.complain(ValueError, name, "be a whole file of the format HDF5", got)


def _heaps(data: bytes | mmap.mmap) -> Iterator[int]:
    start = data.find(_START)
    while start >= 0:
        yield start
        start = data.find(_START, start + 1)


def _is_sound(data: bytes | mmap.mmap, start: int, end: int) -> bool:
    at = start + _HEADER
    while at + _HEADER <= end:
        is_free_space = data[at : at + 2] == b"\0\0"
        size = _number(data, at + 8)
        at += size if is_free_space else _HEADER + -(-size // 8) * 8
        if at > end or (is_free_space and size < 1):
            return False
    return True


def _number(data: bytes | mmap.mmap, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")
