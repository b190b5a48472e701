"""What a file is, by its first bytes and the names in it, whatever its own name says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from fastlstm import checks

from . import keras_zip, native, regular, zips

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_PLACES = (0, 512, 1024, 2048)
"""Where a file of HDF5 may begin: behind a block of a user's own."""
_TAR_MARK, _TAR_PLACE = b"ustar", 257
_ONNX_VERSIONS, _ONNX_FIELDS = range(1, 32), b"\x12\x1a\x22\x28\x32\x3a\x42"
"""What comes first in a model of ONNX: the version of the format, and then one of these fields."""


class Kind(NamedTuple):
    """One kind of file."""

    name: str
    reader: str
    """What reads it."""


_LOAD_MODEL = "fastlstm.keras.models.load_model()"
_READ_WEIGHTS = "fastlstm.read_weights()"

NATIVE = Kind("a layer or a model of fastlstm", "fastlstm.load()")
KERAS = Kind("a model of Keras 3", _LOAD_MODEL)
HDF5 = Kind("a file of HDF5, as Keras writes", f"{_LOAD_MODEL} or, if it has weights alone, load_weights() of a model")
TORCH = Kind("a file of PyTorch", f"{_READ_WEIGHTS}, if it ends in .pt")
OLD_TORCH = Kind("a file of PyTorch before 1.6", "torch.load(), and torch.save() makes one of today,")
NPZ = Kind("arrays of NumPy", f"{_READ_WEIGHTS}, if it ends in .npz")
ONNX = Kind("a model of ONNX", "fastlstm.onnx.load()")
SAFETENSORS = Kind("a safetensors file without a description", f"{_READ_WEIGHTS}, if it ends in .safetensors")


_BY_ENDING = {
    **{".keras": KERAS, ".npz": NPZ, ".onnx": ONNX},
    **dict.fromkeys((".h5", ".hdf5"), HDF5),
    **dict.fromkeys((".pt", ".pth", ".bin"), TORCH),
}


def kind_by_ending(path: Path) -> Kind | None:
    """Return the kind that the name of a file says it has; None: it says nothing."""
    return _BY_ENDING.get(path.suffix)


def kind_of(path: Path) -> Kind | None:
    """Return the kind of a file; None: it is not whole, or none of these."""
    with regular.opened(path) as file:
        begin = file.read(_HDF5_PLACES[-1] + len(_HDF5))
    if begin.startswith(b"PK"):
        return _of_archive(path)
    if any(begin[place:].startswith(_HDF5) for place in _HDF5_PLACES):
        return HDF5
    if begin[_TAR_PLACE:].startswith(_TAR_MARK) or begin.startswith(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."):
        return OLD_TORCH
    if begin[8:9] == b"{":
        return NATIVE if _is_described(path) else SAFETENSORS
    return ONNX if _is_onnx(begin) else None


def _is_onnx(begin: bytes) -> bool:
    return len(begin) > 2 and begin[0] == 8 and begin[1] in _ONNX_VERSIONS and begin[2] in _ONNX_FIELDS


def _of_archive(path: Path) -> Kind | None:
    try:
        with zips.opened(path, "a zip archive") as (archive, _):
            names = archive.namelist()
    except ValueError:
        return None
    if keras_zip.CONFIG in names:
        return KERAS
    if any(name.endswith("/data.pkl") for name in names):
        return TORCH
    return NPZ if names and all(name.endswith(".npy") for name in names) else None


def _is_described(path: Path) -> bool:
    """Whether the header of a safetensors file names a description of ours."""
    with regular.opened(path) as file:
        length = min(int.from_bytes(file.read(8), "little"), path.stat().st_size)
        return json.dumps(native.METADATA).encode() in file.read(length)


def wanted_kind(path: Path, *wanted: Kind) -> Kind:
    """Return which of the kinds that are wanted a file is; of one that is not whole what its name says, or the first.

    Raises
    ------
    ValueError
        It is of another kind; the message says what reads it.
    """
    found = kind_of(path)
    kind = found or kind_by_ending(path) or wanted[0]
    if kind not in wanted:
        must = f"be {' or '.join(kind.name for kind in wanted)}"
        got = kind.name if found else f"one that is named as {kind.name}, but is none or not whole"
        checks.complain(ValueError, str(path), must, f"{got}; {kind.reader} reads {'it' if found else 'such files'}")
    return kind
