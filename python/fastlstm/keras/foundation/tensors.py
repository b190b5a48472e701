"""What users pass as arrays: as tensors, with the dtypes and texts that TensorFlow has."""

from typing import Any

import numpy as np

from fastlstm import checks

from .arrays import Array
from .eager import EagerArray
from .settings import floatx
from .texts import TEXT
from .trees import leaves


def tensor(value: Any, name: str = "x") -> EagerArray:
    """`value` as an array that programs can use as a tensor, without a copy where it is one already.

    Python's numbers become int32 or the default dtype, texts become bytes, one object each; the rest stays what it is.
    """
    if type(value) is EagerArray and value.dtype.kind not in "USO":
        return value
    array = checks.array(name, value, "an array of numbers or texts")
    if array.dtype.kind in "USO":
        return _bytes(array, name).view(EagerArray)
    narrow: Any = {"i": np.int32, "f": floatx()}.get(array.dtype.kind)
    if narrow is not None and not any(hasattr(leaf, "dtype") for leaf in leaves(value)):
        array = array.astype(narrow)
    return array.view(EagerArray)


def dtype_of(array: Array) -> np.dtype[Any]:
    """Return the dtype of an array, `TEXT` where it holds texts."""
    return TEXT if array.dtype.kind in "USO" else array.dtype


def _bytes(array: Array, name: str) -> Array:
    entries = array.ravel().tolist()
    if array.dtype.kind == "O" and all(type(entry) is bytes for entry in entries):
        return array
    found = np.empty(len(entries), object)
    found[:] = [_as_bytes(entry, name) for entry in entries]
    return found.reshape(array.shape)


def _as_bytes(entry: Any, name: str) -> bytes:
    if isinstance(entry, str):
        return entry.encode()
    if not isinstance(entry, bytes):
        checks.complain(TypeError, name, "hold numbers or texts", checks.shown(entry))
    return bytes(entry)
