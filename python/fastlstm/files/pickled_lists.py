"""Lists of whole numbers in NumPy's ``.npz``, which pickles them: texts as the numbers of their words."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fastlstm import checks

from . import npz, zips
from .pickled import Stated, Unpickled

GROWTH, SPARE = 8, 2**22
"""A member may have so many times the bytes of the file, and so many beyond that."""

MOST_STEPS = 20_000_000
"""Opcodes of the lists of a member: nearly all are numbers of a word."""

Numbers = list[list[int]]


class _Dtype(Stated):
    """A dtype, which must be that of objects."""

    def __init__(self, name: Any, *_: Any) -> None:
        if not isinstance(name, str) or name[:1] != "O":
            checks.refuse(ValueError, "dtype", "that of objects", name)

    def set_state(self, state: Any) -> None:
        """Take what says nothing more."""


class _Objects(Stated):
    """An array of objects."""

    def __init__(self, *_: Any) -> None:
        self.values: list[Any] = []

    def set_state(self, state: Any) -> None:
        """Take the form and the objects."""
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[4], list):
            checks.refuse(ValueError, "an array of objects", "pickled as NumPy does it", state)
        if state[1] != (len(state[4]),):
            checks.refuse_shape("an array of objects", (len(state[4]),), state[1])
        self.values = state[4]


_KNOWN = {
    **{f"numpy.{core}.multiarray._reconstruct": _Objects for core in ("core", "_core")},
    "numpy.ndarray": "ndarray",
    "numpy.dtype": _Dtype,
    "_codecs.encode": lambda text, encoding: text,
}


def read(path: Path, lists: Sequence[str], arrays: Sequence[str]) -> tuple[list[Numbers], list[NDArray[Any]]]:
    """Return what has these names in a file: lists, and arrays of numbers.

    Raises
    ------
    ValueError
        The file is no such archive, or what has a name is missing, of another kind, or too long.
    """
    with zips.opened(path, "a zip archive of arrays") as (archive, size):
        members = {name: _member(archive, name, GROWTH * size + SPARE, str(path)) for name in (*lists, *arrays)}
        found = [_numbers(archive, members[name], f"{path}: {name}") for name in lists]
        return found, [npz.array_of(archive, members[name], str(path)) for name in arrays]


def _member(archive: zipfile.ZipFile, name: str, room: int, owner: str) -> zipfile.ZipInfo:
    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError as error:
        checks.complain(ValueError, owner, f"have an array {name!r}", archive.namelist(), cause=error)
    if member.file_size > room:
        checks.complain(ValueError, f"{owner}: {name}", f"have at most {room} bytes", member.file_size)
    return member


def _numbers(archive: zipfile.ZipFile, member: zipfile.ZipInfo, owner: str) -> Numbers:
    with archive.open(member) as stream:
        _, _, dtype = npz.header_of(stream, owner)
        if dtype.kind != "O":
            checks.refuse_dtype(owner, "that of objects, which are lists", dtype)
        found = Unpickled(stream.read(), _KNOWN, _nothing_else, owner, MOST_STEPS).value()
    if not isinstance(found, _Objects) or not {*map(type, found.values)} <= {list}:
        checks.refuse(ValueError, owner, "an array of lists", checks.shown(found))
    if not all({*map(type, entry)} <= {int} for entry in found.values):
        checks.refuse(ValueError, owner, "lists of whole numbers", "others")
    return found.values


def _nothing_else(identifier: Any) -> Any:
    checks.refuse(ValueError, "a pickle", "without references to anything outside", identifier)
