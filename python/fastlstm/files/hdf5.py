"""HDF5, of which Keras' files are made: groups of arrays, and attributes of groups."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks

from . import regular
from .hdf5_heaps import Texts

Array: TypeAlias = NDArray[Any]

ENDINGS = (".weights.h5", ".h5", ".hdf5")
"""Of the files of weights that Keras has: of today, and of Keras 1 and 2."""
PLACE = 8
"""Bytes of a place in a file, and of a length."""
LEVELS = 64
"""How deep groups may lie in each other."""
GROWTH = 2
"""How many times the length of the file its arrays may take up, beyond `SPARE` bytes."""
SPARE = 2**25


class Tree(NamedTuple):
    """What a file holds; the path of the root is empty."""

    arrays: dict[str, Array]
    """By path."""
    attributes: dict[str, dict[str, Any]]
    """Of every group, by its path: texts and lists of texts; others are left out."""

    def below(self, path: str) -> Tree:
        """Return a group of it as a tree."""
        start = f"{path}/"
        arrays = {name.removeprefix(start): array for name, array in self.arrays.items() if name.startswith(start)}
        groups = {name.removeprefix(start): kept for name, kept in self.attributes.items() if name.startswith(start)}
        return Tree(arrays, {"": self.attributes.get(path, {}), **groups})


def h5py(purpose: str) -> Any:
    """Return the package h5py, or say what it is needed for."""
    try:
        import h5py as found
    except ImportError as error:
        checks.refuse_without("h5py", purpose, "keras", error)
    return found


def read(source: Path | BinaryIO, name: str, attributes: bool = True) -> Tree:
    """Return the arrays of a file and, if they are wanted, its attributes.

    Links to other files, arrays kept in other files, and arrays larger than what is stored of them are refused.

    Parameters
    ----------
    source : path
        The path, or the file in memory.
    name : str
        The name of the file, for errors.
    attributes : bool
        Whether those of groups are read.
    """
    library = h5py(f"reading {name}")
    if isinstance(source, Path):
        regular.opened(source).close()
    try:
        with library.File(source, "r") as file:
            return _Reader(library, name, source, attributes).read(file)
    except FileNotFoundError:
        raise
    except Exception as error:  # h5py has all kinds for what makes no sense in a file
        if checks.is_worded(error):
            raise
        must, got = "be a whole file of the format HDF5", f"one that cannot be read: {error}"
        checks.complain(ValueError, name, must, got, cause=error)


def _length(source: Path | BinaryIO) -> int:
    return source.stat().st_size if isinstance(source, Path) else source.seek(0, os.SEEK_END)


class _Reader:
    """Goes through a file once, and refuses what no file of weights has."""

    def __init__(self, library: Any, name: str, source: Path | BinaryIO, attributes: bool) -> None:
        self.h5py, self.name, self.source, self.wants_attributes = library, name, source, attributes
        self.left = GROWTH * _length(source) + SPARE
        """Bytes that the arrays to come may take up."""
        self.met: set[Any] = set()
        self.base = 0
        """Where the places in the file count from."""
        self.tree = Tree({}, {})

    @cached_property
    def texts(self) -> Texts:
        """What texts of no fixed length there are."""
        return Texts(self.source, self.base, self.name)

    def read(self, file: Any) -> Tree:
        """Return what there is."""
        self.base = file.userblock_size
        if file.id.get_create_plist().get_sizes() != (PLACE, PLACE):
            self._refuse("", f"have places and lengths of {PLACE} bytes", "others")
        waiting = [("", file)]
        while waiting:
            path, group = waiting.pop()
            self._meet(path, group)
            self.tree.attributes[path] = self._attributes(path, group) if self.wants_attributes else {}
            for key in self._names(path, group):
                child = f"{path}/{key}" if path else key
                found = self._linked(group, key, child)
                if isinstance(found, self.h5py.Group):
                    waiting.append((child, found))
                else:
                    self.tree.arrays[child] = self._array(child, found)
        return self.tree

    def _refuse(self, path: str, must: str, got: Any) -> Any:
        checks.complain(ValueError, f"{self.name}: {path or 'the root'}", must, got)

    def _meet(self, path: str, thing: Any) -> None:
        """Refuse what was met under another name, and groups that lie too deep."""
        info = self.h5py.h5o.get_info(thing.id)
        if info.addr in self.met:
            self._refuse(path, "have one name", "a second link to it")
        if path.count("/") >= LEVELS:
            self._refuse(path, f"lie within at most {LEVELS} groups", "more")
        self.met.add(info.addr)

    def _names(self, path: str, things: Any) -> Iterator[str]:
        """Return the names of what a group has; h5py gives bytes for those that are no text."""
        for name in things:
            if not isinstance(name, str):
                self._refuse(path, "have names of UTF-8", checks.shown(name))
            yield name

    def _linked(self, group: Any, key: str, path: str) -> Any:
        link = group.get(key, getlink=True)
        if not isinstance(link, self.h5py.HardLink):
            self._refuse(path, "be in the file itself", f"a {type(link).__name__}")
        found = group[key]
        if not isinstance(found, self.h5py.Group | self.h5py.Dataset):
            self._refuse(path, "be a group or an array", type(found).__name__)
        return found

    def _array(self, path: str, dataset: Any) -> Array:
        self._meet(path, dataset)
        if dataset.shape is None or dataset.is_virtual or dataset.external:
            self._refuse(path, "be an array in the file itself", "an empty, virtual or external one")
        half = self._is_bfloat16(path, dataset)
        if dataset.dtype.kind not in "biuf" and not (half and dataset.dtype.itemsize == 2):
            self._refuse(path, "hold numbers", f"dtype {dataset.dtype}")
        self._check_size(path, dataset)
        found = np.asarray(dataset[()])
        return _widened(found) if half else found

    def _is_bfloat16(self, path: str, dataset: Any) -> bool:
        """Whether Keras says so of two bytes for each number."""
        return "dtype" in dataset.attrs and self._attribute(path, dataset, "dtype") == "bfloat16"

    def _check_size(self, path: str, dataset: Any) -> None:
        size = math.prod(dataset.shape) * dataset.dtype.itemsize
        stored = dataset.id.get_storage_size()
        if size > stored and dataset.compression is None and stored >= 0:
            self._refuse(path, f"be as large as what is stored of it, {stored} bytes", f"shape {dataset.shape}")
        self.left -= size
        if self.left < 0:
            self._refuse(path, "leave the arrays of the file within some times its length", f"shape {dataset.shape}")

    def _attributes(self, path: str, group: Any) -> dict[str, Any]:
        found = {key: self._attribute(path, group, key) for key in self._names(path, group.attrs)}
        return {key: value for key, value in found.items() if value is not None}

    def _attribute(self, path: str, thing: Any, key: str) -> Any:
        """Return a text or a list of texts; None: it is something else."""
        kept, owner = thing.attrs.get_id(key), f"{path}: {key}" if path else key
        count = math.prod(kept.shape or ())
        if count * kept.dtype.itemsize > self.left:
            self._refuse(owner, "fit into the file", f"shape {kept.shape}")
        kind = self.h5py.check_string_dtype(kept.dtype)
        if kind is None:
            return self._refuse(owner, "be text", f"dtype {kept.dtype}") if kept.dtype.kind == "O" else None
        if kind.length is None:
            self.texts.check(self.h5py.h5o.get_info(thing.id).addr, key, count)
        return self._text(owner, thing.attrs[key])

    def _text(self, path: str, value: Any) -> Any:
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, np.ndarray | list):
            return [self._text(path, entry) for entry in value]
        return str(value) if isinstance(value, str) else self._refuse(path, "be text", type(value).__name__)


def _widened(found: Array) -> Array:
    """Return numbers of the format bfloat16 as float32."""
    bits = found.view(np.uint16).astype(np.uint32) << 16
    return bits.view(np.float32)


def write(target: Path | BinaryIO, arrays: Mapping[str, Array], attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Write arrays and groups, both by path.

    Parameters
    ----------
    target : path
        The path, or a file in memory.
    arrays : dict
        The arrays; groups on the way are made.
    attributes : dict
        Those of groups: texts and lists of texts.
    """
    library = h5py("writing a file of the format HDF5")
    with library.File(target, "w") as file:
        for path, kept in attributes.items():
            group = file.require_group(path) if path else file
            for key, value in kept.items():
                _write_attribute(group.attrs, key, value)
        for path, array in arrays.items():
            file.create_dataset(path, data=array)


def written(tree: Tree) -> bytes:
    """Return a file, as `write` makes it."""
    memory = io.BytesIO()
    write(memory, *tree)
    return memory.getvalue()


LONGEST_ATTRIBUTE = 64512
"""Bytes of an attribute; a longer list is cut into parts, which are numbered."""


def _write_attribute(kept: Any, key: str, value: Any) -> None:
    if isinstance(value, str):
        kept[key] = value
        return
    encoded = np.asarray([text.encode() for text in value] or np.empty(0, "S1"))
    count = max(1, math.ceil(encoded.nbytes / LONGEST_ATTRIBUTE)) if len(encoded) else 1
    while count > 1 and max(part.nbytes for part in np.array_split(encoded, count)) > LONGEST_ATTRIBUTE:
        count += 1
    for number, part in enumerate(np.array_split(encoded, count)):
        kept[f"{key}{number}" if count > 1 else key] = part


def texts(attributes: Mapping[str, Any], key: str) -> list[str] | None:
    """Return a list of texts that is an attribute, of one or of numbered parts; None: there is none."""
    if key in attributes:
        return list(attributes[key])
    parts: list[list[str]] = []
    while f"{key}{len(parts)}" in attributes:
        parts.append(attributes[f"{key}{len(parts)}"])
    return [text for part in parts for text in part] if parts else None
