"""Tensors in a file as arrays: sizes are compared with what is there before anything is allocated."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fastlstm import checks

from .names import check_text
from .values import DTYPES, Array, dtype_of

_MOST_AXES = 32
_LARGEST = 2**48
"""Numbers of a tensor, axes of no length left out: more than any memory holds, and less than NumPy cannot count."""
_EXTERNAL = 1
_FIELDS = {1: "float_data", 11: "double_data", 7: "int64_data", 12: "uint64_data", 13: "uint64_data"}
"""Where values that are not raw stand, by the number of the dtype; others are in int32_data."""


def array_of(proto: Any, folder: Path | None, owner: str) -> Array:
    """Return the values of a tensor, to read from.

    Parameters
    ----------
    proto : TensorProto
        The tensor.
    folder : path, optional
        Where a file with its values may lie; None: nowhere.
    owner : str
        Whose it is, for errors.
    """
    name = f"{owner}: tensor {proto.name!r}"
    dtype = dtype_of(proto.data_type, name)
    shape = proto.dims[:]
    count = _count(shape, name)
    if proto.data_location == _EXTERNAL:
        array = _of_bytes(_external(proto, folder, count * dtype.itemsize, name), shape, dtype)
    elif proto.HasField("raw_data"):
        raw = proto.raw_data
        _check_count(name, "bytes", count * dtype.itemsize, len(raw))
        array = _of_bytes(raw, shape, dtype)
    else:
        array = _of_list(getattr(proto, _FIELDS.get(proto.data_type, "int32_data")), dtype, count, name).reshape(shape)
    array.flags.writeable = False
    return array


def _count(shape: Sequence[int], name: str) -> int:
    """Return the count of the numbers of a shape that an array can have."""
    if len(shape) > _MOST_AXES or (shape and min(shape) < 0):
        checks.refuse_shape(name, f"of at most {_MOST_AXES} axes, none below 0", checks.shown(tuple(shape)))
    count = math.prod(shape)
    if (count or math.prod(axis or 1 for axis in shape)) > _LARGEST:
        checks.refuse_shape(name, f"of at most {_LARGEST} numbers", tuple(shape))
    return count


_IN_FILES = {dtype: dtype.newbyteorder("<") for dtype in DTYPES.values()}
"""The dtype of numbers in a file, by that in memory."""


def _of_bytes(raw: bytes, shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """Return the array that lies in the bytes of a file, which begin with the low one of every number."""
    return np.ndarray(shape, _IN_FILES[dtype], raw).astype(dtype, copy=False)


def _of_list(values: Any, dtype: np.dtype[Any], count: int, name: str) -> Array:
    """Return the array of a list of numbers; halves are in it as the whole number that has their bits."""
    _check_count(name, "values", count, len(values))
    if dtype == np.float16:
        return np.asarray(values, np.int32).astype(np.uint16).view(dtype)
    return np.asarray(values).astype(dtype, copy=False)


def _check_count(name: str, what: str, wanted: int, found: int) -> None:
    if wanted != found:
        checks.complain(ValueError, name, f"have {wanted} {what}, as its shape says", found)


def _external(proto: Any, folder: Path | None, nbytes: int, name: str) -> bytes:
    """Read values from a file beside the model: a regular one, by its bare name, and no link of any kind."""
    entries = {entry.key: entry.value for entry in proto.external_data}
    for entry in (*entries, *entries.values()):
        check_text(entry, name)
    place = entries.get("location", "")
    if folder is None:
        cure = ": load it by the path of the model"
        checks.complain(ValueError, name, "be in the model", f"one in the file {checks.shown(place)}{cure}")
    if place in ("", ".", "..") or {"/", "\\", "\0"} & set(place):
        checks.refuse(ValueError, f"{name}: location", "the name of a file beside the model", place)
    begin, length = (_whole(entries.get(key, default), f"{name}: {key}") for key, default in _PARTS.items())
    if length not in (0, nbytes):
        _check_count(name, "bytes", nbytes, length)
    with _opened(folder / place, f"{name}: location") as file:
        size = os.fstat(file.fileno()).st_size
        if begin + nbytes > size:
            got = f"{size} bytes in {checks.shown(place)}"
            checks.complain(ValueError, name, f"end within its file, at {begin + nbytes}", got)
        file.seek(begin)
        raw = file.read(nbytes)
    _check_count(name, "bytes", nbytes, len(raw))  # it may have become shorter
    return raw


def _opened(path: Path, name: str) -> BinaryIO:
    """Open a regular file that is no link, without waiting for whatever else it may be."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise
    except OSError as error:
        checks.complain(ValueError, name, "be a file, and no link", error, cause=error)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(handle)
        checks.complain(ValueError, name, "be a file, and no link", checks.shown(path.name))
    return os.fdopen(handle, "rb")


_PARTS = {"offset": "0", "length": "0"}


def _whole(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 20:
        checks.refuse(ValueError, name, "a whole number", text)
    return int(text)
