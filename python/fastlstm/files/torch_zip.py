"""PyTorch's format ``.pt``: a zip archive of a pickle and the bytes of its tensors. No code in it is run."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from fastlstm import checks

from . import regular, zips
from .bfloat16 import as_float32
from .bundle import Bundle
from .pickled import Unpickled

_PICKLE, _BYTE_ORDER, _STORAGE = "data.pkl", "byteorder", "data/"
_LARGEST_PICKLE = 2**24
"""Of the names and places of tensors; their values are elsewhere."""

_MOST_AXES = 32
_TENSOR = "a tensor of the file"
_STORAGES = {
    **{"Double": "f8", "Float": "f4", "Half": "f2", "BFloat16": "u2", "Bool": "b1"},
    **{"Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1"},
}
_OLD_STARTS = {b"\x80\x02\x8a\nl\xfc\x9cF\xf9": "before 1.6", b"././@Long": "before 0.2"}
_CURE = "; load it with PyTorch and write it again with torch.save, or with safetensors"


class _Kind(NamedTuple):
    """What a storage holds."""

    name: str


def read(path: Path) -> Bundle:
    """Return the tensors and plain values of a file, nested as they are there, as the arrays of a bundle.

    Tensors are read-only arrays; those of bfloat16 come as float32.
    """
    with regular.opened(path) as file:
        _check_form(file.read(300), str(path))
    with zips.opened(path, "a zip archive of PyTorch") as (archive, size):
        return Bundle(_Archive(archive, size, str(path)).value(), {})


def _check_form(start: bytes, owner: str) -> None:
    if start.startswith(b"PK"):
        return
    old = next((versions for mark, versions in _OLD_STARTS.items() if start.startswith(mark)), None)
    old = "before 0.2" if start[257:262] == b"ustar" else old
    got = f"the form that PyTorch {old} wrote{_CURE}" if old else "another format, or a file that is cut off"
    checks.complain(ValueError, owner, "be a zip archive, as torch.save writes it", got)


class _Archive:
    """The members of an open archive, all of them as long in memory as in the file."""

    def __init__(self, archive: zipfile.ZipFile, size: int, owner: str) -> None:
        self.archive, self.owner = archive, owner
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            checks.complain(ValueError, owner, "hold its members as they are", f"compressed ones{_CURE}")
        if sum(member.file_size for member in members) > size:
            checks.complain(ValueError, owner, "hold no more than its length", "members that lie in each other")
        self.members = {member.filename: member for member in members}
        pickles = [name for name in self.members if name.endswith(f"/{_PICKLE}") and name.count("/") == 1]
        if len(pickles) != 1:
            checks.complain(ValueError, owner, f"have one member {_PICKLE}", checks.shown(sorted(self.members)))
        self.folder = pickles[0].removesuffix(_PICKLE)
        self.order = "<" if self._text(_BYTE_ORDER, "little") == "little" else ">"
        self.storages: dict[str, tuple[str, NDArray[Any]]] = {}

    def value(self) -> dict[str, Any]:
        """Return what the pickle of the archive is of."""
        data = self._bytes(_PICKLE)
        if len(data) > _LARGEST_PICKLE:
            checks.complain(ValueError, f"{self.owner}: {_PICKLE}", f"have at most {_LARGEST_PICKLE} bytes", len(data))
        found = Unpickled(data, _KNOWN, self._storage, self.owner).value()
        if not isinstance(found, dict):
            must = "hold a dict from names to tensors, as model.state_dict() gives it"
            checks.complain(ValueError, self.owner, must, checks.shown(found))
        return found

    def _bytes(self, name: str) -> bytes:
        member = self.members.get(f"{self.folder}{name}")
        if member is None:
            checks.complain(ValueError, self.owner, f"have the member {name!r}", "none of this name")
        return self.archive.read(member)

    def _text(self, name: str, default: str) -> str:
        if f"{self.folder}{name}" not in self.members:
            return default
        return checks.one_of(f"{self.owner}: {name}", self._bytes(name).decode(), ("little", "big"))

    def _storage(self, identifier: Any) -> NDArray[Any]:
        """Return the numbers that tensors are parts of."""
        match identifier:
            case ("storage", _Kind(name=kind), str(key), str(), int(count)):
                pass
            case _:
                checks.refuse(ValueError, self.owner, "made of storages", identifier)
        if key not in self.storages:
            self.storages[key] = kind, self._read(kind, key, count)
        known, found = self.storages[key]
        if kind != known:
            checks.complain(ValueError, f"{self.owner}: {_STORAGE}{key}", "be of one kind", f"{known} and {kind}")
        return found

    def _read(self, kind: str, key: str, count: int) -> NDArray[Any]:
        data, dtype = self._bytes(f"{_STORAGE}{key}"), np.dtype(f"{self.order}{_STORAGES[kind]}")
        if len(data) != count * dtype.itemsize:
            must = f"have the {count * dtype.itemsize} bytes of {count} numbers of {kind}Storage"
            checks.complain(ValueError, f"{self.owner}: {_STORAGE}{key}", must, len(data))
        found = np.frombuffer(data, dtype)
        return as_float32(found) if kind == "BFloat16" else found


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> NDArray[Any]:
    """Return a tensor: every so many numbers of a storage along each axis."""
    if not (isinstance(storage, np.ndarray) and isinstance(shape, tuple) and isinstance(stride, tuple)):
        checks.refuse(ValueError, _TENSOR, "a storage with a shape and strides", (storage, shape, stride))
    sizes = (offset, *shape, *stride)
    if not all(type(size) is int and 0 <= size <= checks.LARGEST_AXIS for size in sizes):
        checks.refuse(ValueError, f"{_TENSOR}: its offset, shape and strides", "whole numbers", sizes)
    if len(shape) != len(stride) or len(shape) > _MOST_AXES:
        checks.refuse(ValueError, f"{_TENSOR}: its strides", f"one for each of at most {_MOST_AXES} axes", stride)
    return storage[:0].reshape(shape) if 0 in shape else _part(storage, offset, shape, stride)


def _part(storage: NDArray[Any], offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> NDArray[Any]:
    """Return numbers of a storage, none of them often enough that a copy would be larger than the storage."""
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if last >= storage.size:
        checks.complain(ValueError, _TENSOR, f"lie within its storage of {storage.size} numbers", f"one up to {last}")
    if math.prod(shape) > storage.size:
        must = f"have no more numbers than the {storage.size} of its storage"
        checks.complain(ValueError, _TENSOR, must, f"shape {shape}; make it contiguous() before it is saved")
    return as_strided(storage[offset:], shape, [step * storage.itemsize for step in stride], writeable=False)


def _parameter(data: Any, requires_grad: Any, hooks: Any) -> Any:
    return data


def _size(entries: Any) -> tuple[int, ...]:
    if not isinstance(entries, tuple) or not all(type(entry) is int for entry in entries):
        checks.refuse(ValueError, "a torch.Size of the file", "a tuple of whole numbers", entries)
    return entries


def _ordered() -> dict[Any, Any]:
    return {}


_KNOWN: dict[str, Any] = {
    "collections.OrderedDict": _ordered,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _size,
    **{f"torch.{name}Storage": _Kind(name) for name in _STORAGES},
}
