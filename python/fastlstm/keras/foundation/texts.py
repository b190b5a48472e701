"""Texts in arrays: of str, one object each, so that a long one does not make room for itself in every place."""

from typing import Any

import numpy as np

from fastlstm import checks

from .arrays import Array, any_numbers, as_array, real_dtype

TEXT = np.dtype(np.str_)
"""Dtype of symbolic tensors of texts, ``"string"`` in Keras."""


def tensor_dtype(name: str, value: Any) -> np.dtype[Any]:
    """`value` as the dtype of real numbers that it names, or as `TEXT`."""
    names_text = value == "string" if isinstance(value, str) else value is str or value is TEXT
    return TEXT if names_text else real_dtype(name, value)


def dtype_name(dtype: np.dtype[Any]) -> str:
    """Return what Keras calls a dtype."""
    return "string" if dtype == TEXT else dtype.name


def is_text(array: Array) -> bool:
    """Whether an array is one of texts; one of objects is if its first entry is."""
    if array.dtype.kind == "O" and array.size:
        return isinstance(next(iter(array.flat)), str | bytes)
    return array.dtype.kind in "US"


def as_texts(value: Any, name: str, encoding: str = "utf-8") -> Array:
    """`value` as an array of str, of which bytes are made by the `encoding`; TypeError if it has anything else."""
    # NumPy would make texts of numbers that are in a list with such.
    given = np.array(value, object) if _is_flat_list(value) else value
    array = given if type(given) is np.ndarray else checks.array(name, given, "an array of texts")
    if array.dtype.kind not in "USO":
        found = checks.shown(value) if array.ndim == 0 else f"dtype {array.dtype}"
        checks.complain(TypeError, name, "be an array of texts", found)
    entries = array.ravel().tolist()
    if set(map(type, entries)) != {str}:
        entries = [_as_text(entry, name, encoding) for entry in entries]
    texts: Array = np.empty(len(entries), object)
    texts[:] = entries
    return texts.reshape(array.shape)


def numbers_or_texts(value: Any, name: str, dtype: np.dtype[Any], wanted: str = "an array of numbers") -> Array:
    """`value` as an array: floats of `dtype`, integers and booleans as they are, or texts."""
    array = value if type(value) is np.ndarray else checks.array(name, value, wanted)
    if is_text(array):
        return as_texts(array, name)
    array = any_numbers(array, name, wanted)
    return as_array(array, name, dtype, wanted) if array.dtype.kind == "f" else array


def _is_flat_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(entry, str | bytes | int | float) for entry in value)


def _as_text(entry: Any, name: str, encoding: str) -> str:
    if isinstance(entry, bytes):
        try:
            return entry.decode(encoding)
        except UnicodeDecodeError as error:
            must = f"hold texts in the encoding {encoding!r}"
            checks.complain(ValueError, name, must, checks.shown(entry), cause=error)
    if not isinstance(entry, str):
        checks.complain(TypeError, name, "hold texts only", checks.shown(entry))
    return str(entry)
