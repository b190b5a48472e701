"""NumPy's format ``.npz``: a zip archive of arrays. Nothing in it is unpickled."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from fastlstm import checks

from . import zips
from .atomic import replaced
from .bundle import Bundle

GROWTH, SPARE = 2, 2**25
"""The arrays may take up so many times the length of the file, and so many bytes beyond that."""

_ENDING = ".npy"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read(path: Path) -> Bundle:
    """Return the arrays of a file."""
    with zips.opened(path, "a zip archive of arrays") as (archive, size):
        members = archive.infolist()
        _check_size(sum(member.file_size for member in members), size, str(path))
        return Bundle({_name(member): array_of(archive, member, str(path)) for member in members}, {})


def _check_size(total: int, size: int, owner: str) -> None:
    if total > GROWTH * size + SPARE:
        cure = "; write it without compression, with numpy.savez"
        checks.complain(ValueError, owner, f"hold no more than {GROWTH} times its length", f"{total} bytes{cure}")


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(_ENDING)


def array_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo, owner: str) -> NDArray[Any]:
    """Return an array whose header says what the archive has of it."""
    name = f"{owner}: {checks.shown(_name(member))}"
    with archive.open(member) as stream:
        shape, fortran, dtype = header_of(stream, name)
        if dtype.kind not in "fiub" or dtype.itemsize > 8:
            checks.refuse_dtype(name, "one of floats, integers or booleans", dtype, "; nothing is unpickled")
        nbytes = math.prod(shape) * dtype.itemsize
        left = member.file_size - stream.tell()
        if nbytes != left:
            checks.complain(ValueError, name, f"have the {nbytes} bytes of {dtype} {shape}", left)
        data = stream.read(nbytes + 1)  # one more, so that the archive compares the checksum
    if len(data) != nbytes:
        checks.complain(ValueError, name, f"have {nbytes} bytes", len(data))
    flat: NDArray[Any] = np.frombuffer(data, dtype)
    try:
        return flat.reshape(shape, order="F" if fortran else "C")
    except ValueError as error:
        checks.complain(ValueError, f"{name}: shape", "be one that NumPy has", shape, cause=error)


def header_of(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an array: its shape, whether its first axis runs fastest, and its dtype."""
    try:
        version = npy.read_magic(stream)
        shape, fortran, dtype = _HEADERS[version](stream)
    except Exception as error:  # of the parser of Python, which has many
        checks.complain(ValueError, name, "be an array in the format .npy", checks.shown(str(error)), cause=error)
    if not all(0 <= size <= checks.LARGEST_AXIS for size in shape):
        checks.refuse(ValueError, f"{name}: shape", "one of whole numbers", shape)
    return shape, fortran, dtype


def write(path: Path, bundle: Bundle) -> None:
    """Write arrays, in place of any other file."""
    with replaced(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in bundle.arrays.items():
            if array.dtype.kind not in "fiub":
                checks.refuse_dtype(name, "one of floats, integers or booleans", array.dtype)
            with archive.open(f"{name}{_ENDING}", "w", force_zip64=True) as stream:
                npy.write_array(stream, array, allow_pickle=False)
