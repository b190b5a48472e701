"""The format safetensors: the length of a header, the header in JSON, and the bytes of the arrays without a gap."""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks

from . import regular
from .atomic import replaced
from .bfloat16 import as_float32
from .bundle import Bundle
from .described import parsed

LARGEST_HEADER = 100_000_000
"""As the format has it."""

_LENGTH = 8
_ALIGNMENT = 8
_MOST_AXES = 32
_METADATA = "__metadata__"
_DTYPES = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "|b1"},
    **{"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1"},
}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items() if name != "BF16"}


class _Entry(NamedTuple):
    """Where an array lies."""

    name: str
    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read(path: Path) -> Bundle:
    """Return the arrays and the metadata of a file.

    Arrays are the memory of the file itself, which nobody can write to; those of bfloat16 are copied to float32.
    """
    owner = str(path)
    with regular.opened(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        header = parsed(_header(file.read(_LENGTH), file, size, owner), f"{owner}: the header")
        start = file.tell()
        metadata = _metadata(header.pop(_METADATA, {}), owner)
        entries = [_entry(name, given, f"{owner}: {checks.shown(name)}") for name, given in header.items()]
        _check_places(entries, size - start, owner)
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return Bundle({entry.name: _array(entry, memory, start, owner) for entry in entries}, metadata)


def _header(first: bytes, file: Any, size: int, owner: str) -> bytes:
    length = int.from_bytes(first, "little")
    if len(first) < _LENGTH or length > size - _LENGTH:
        got = f"a header of {length} bytes in a file of {size}: it is cut off, or another format"
        checks.complain(ValueError, owner, "be a safetensors file", got)
    if length > LARGEST_HEADER:
        checks.complain(ValueError, f"{owner}: the header", f"have at most {LARGEST_HEADER} bytes", length)
    header: bytes = file.read(length)
    return header


def _metadata(given: Any, owner: str) -> dict[str, Any]:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        checks.refuse(ValueError, f"{owner}: {_METADATA}", "an object of texts", given)
    return given


def _entry(name: str, given: Any, owner: str) -> _Entry:
    """Return what the header says of an array, when it is what it must be."""
    if not isinstance(given, dict) or given.keys() != {"dtype", "shape", "data_offsets"}:
        checks.refuse(ValueError, owner, "an object of dtype, shape and data_offsets", given)
    kind: Any = checks.one_of(f"{owner}: dtype", given["dtype"], _DTYPES)
    shape = _sizes(given["shape"], f"{owner}: shape", f"a list of at most {_MOST_AXES} whole numbers", _MOST_AXES)
    offsets = _sizes(given["data_offsets"], f"{owner}: data_offsets", "a list of two whole numbers", 2)
    nbytes = math.prod(shape) * np.dtype(_DTYPES[kind]).itemsize
    if len(offsets) != 2 or offsets[1] - offsets[0] != nbytes:
        got = checks.shown(given["data_offsets"])
        checks.complain(ValueError, f"{owner}: data_offsets", f"span the {nbytes} bytes of {kind} {shape}", got)
    return _Entry(name, kind, tuple(shape), *offsets)


def _sizes(given: Any, owner: str, wanted: str, most: int) -> list[int]:
    if not isinstance(given, list) or len(given) > most:
        checks.refuse(ValueError, owner, wanted, given)
    if not all(type(number) is int and 0 <= number <= checks.LARGEST_AXIS for number in given):
        checks.refuse(ValueError, owner, wanted, given)
    return given


def _check_places(entries: list[_Entry], size: int, owner: str) -> None:
    """Raise unless the arrays, one after the other, are the bytes after the header."""
    end = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != end:
            must = f"begin at byte {end}, where the array before it ends"
            checks.complain(ValueError, f"{owner}: {checks.shown(entry.name)}", must, entry.begin)
        end = entry.end
    if end != size:
        got = f"{size}: it is cut off" if size < end else f"{size}"
        checks.complain(ValueError, owner, f"have the {end} bytes of its arrays after the header", got)


def _array(entry: _Entry, memory: mmap.mmap, start: int, owner: str) -> NDArray[Any]:
    dtype, count = np.dtype(_DTYPES[entry.kind]), math.prod(entry.shape)
    data = memory if count else b""
    flat: NDArray[Any] = np.frombuffer(data, dtype, count, start + entry.begin if count else 0)
    if entry.kind == "BF16":
        flat = as_float32(flat)
    try:
        return flat.reshape(entry.shape)
    except ValueError as error:  # NumPy has its own limits where an axis is 0
        name = f"{owner}: {checks.shown(entry.name)}: shape"
        checks.complain(ValueError, name, "be one that NumPy has", entry.shape, cause=error)


def write(path: Path, bundle: Bundle) -> None:
    """Write arrays, and a description of texts as metadata, in place of any other file."""
    arrays = {name: _plain(name, array) for name, array in bundle.arrays.items()}
    # The widest first, so that each begins at a multiple of its width.
    ordered = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    header = _written_header({name: arrays[name] for name in ordered}, bundle.description)
    with replaced(path) as file:
        file.write(len(header).to_bytes(_LENGTH, "little"))
        file.write(header)
        for name in ordered:
            file.write(arrays[name].data if arrays[name].size else b"")


def _plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """`array` in C order and little-endian."""
    plain = np.ascontiguousarray(array).reshape(array.shape)
    little = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
    if little.dtype not in _NAMES:
        checks.refuse_dtype(name, "one of floats, integers or booleans", array.dtype)
    return little


def _written_header(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> bytes:
    described: dict[str, Any] = {_METADATA: dict(metadata)} if metadata else {}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        described[checks.text("names of arrays", name)] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    if _METADATA in arrays:
        checks.refuse(ValueError, "names of arrays", f"other than {_METADATA!r}, which the format keeps", _METADATA)
    header = json.dumps(described, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    if len(header) > LARGEST_HEADER:
        must = f"be described by at most {LARGEST_HEADER} bytes of JSON"
        checks.complain(ValueError, "arrays", must, len(header))
    return header
