"""Values of Python with arrays inside, as the arrays and the description of a file have them, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlstm import checks

_LONG = 16
"""Numbers of a list of which an array is made, as a description may have so many values only."""
_KINDS = "fiub"


def taken_apart(value: Any, path: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """Return what JSON can hold of a value, and put the rest into `arrays`.

    Parameters
    ----------
    value : array_like
        None, booleans, numbers, texts, arrays and numbers of NumPy, and lists, tuples and dicts of these.
    path : str
        Of the value, for the names of its arrays and for errors.
    arrays : dict
        Where they go.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return {"scalar" if isinstance(value, np.generic) else "array": _put(np.asarray(value), path, arrays)}
    if isinstance(value, dict):
        pairs = enumerate(value.items())
        return {"dict": [[_key(key, path), taken_apart(entry, f"{path}/{k}", arrays)] for k, (key, entry) in pairs]}
    if not isinstance(value, list | tuple):
        wanted = "of numbers, texts, arrays, None, and lists, tuples and dicts of these"
        checks.refuse(TypeError, path, wanted, value)
    kind = "tuple" if isinstance(value, tuple) else "list"
    if numbers := _as_numbers(value):
        return {f"{kind}_of_numbers": _put(numbers[0], path, arrays)}
    return {kind: [taken_apart(entry, f"{path}/{k}", arrays) for k, entry in enumerate(value)]}


def _key(key: Any, path: str) -> Any:
    if type(key) not in (str, int, bool, float):
        checks.refuse(TypeError, f"{path}: each key", "a text or a number", key)
    return key


def _put(array: NDArray[Any], path: str, arrays: dict[str, NDArray[Any]]) -> str:
    if array.dtype.kind not in _KINDS:
        checks.refuse_dtype(path, "one of floats, integers or booleans", array.dtype)
    arrays[path] = array
    return path


def _as_numbers(values: list[Any] | tuple[Any, ...]) -> list[NDArray[Any]]:
    """Return an array of the same numbers, in a list, if there are many and all are of one kind."""
    kinds = {type(value) for value in values}
    if len(values) < _LONG or kinds not in ({int}, {float}):
        return []
    if kinds == {int} and not all(-(2**63) <= value < 2**63 for value in values):
        return []
    return [np.array(values, np.int64 if kinds == {int} else np.float64)]


def put_together(plain: Any, arrays: Mapping[str, NDArray[Any]], owner: str) -> Any:
    """Return the value that `taken_apart` took apart.

    Parameters
    ----------
    plain : object
        What it returned.
    arrays : dict
        Where it put the arrays; those of the value are copied.
    owner : str
        Name of the file and of the part of it, for errors.
    """
    if not isinstance(plain, dict):
        if isinstance(plain, list):
            checks.refuse(ValueError, owner, "a value, or an object of its kind", plain)
        return plain
    kind, content = next(iter(plain.items()), (None, None))
    reader = _READERS.get(str(kind))
    if len(plain) != 1 or reader is None:
        checks.refuse(ValueError, owner, f"an object of one of {', '.join(_READERS)}", plain)
    return reader(content, arrays, owner)


def _array(name: Any, arrays: Mapping[str, NDArray[Any]], owner: str) -> NDArray[Any]:
    if not isinstance(name, str) or name not in arrays:
        checks.refuse(ValueError, owner, "the name of an array in the file", name)
    return arrays[name].copy()


def _scalar(name: Any, arrays: Mapping[str, NDArray[Any]], owner: str) -> Any:
    array = _array(name, arrays, owner)
    if array.ndim:
        checks.refuse_shape(owner, (), array.shape)
    return array[()]


def _list(content: Any, arrays: Mapping[str, NDArray[Any]], owner: str) -> list[Any]:
    entries = checks.items(owner, content, "a list")
    return [put_together(entry, arrays, owner) for entry in entries]


def _dict(content: Any, arrays: Mapping[str, NDArray[Any]], owner: str) -> dict[Any, Any]:
    pairs = checks.items(owner, content, "a list of pairs")
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or isinstance(pair[0], list | dict):
            checks.refuse(ValueError, owner, "a list of pairs of a key and a value", pair)
    return {key: put_together(entry, arrays, owner) for key, entry in pairs}


def _numbers(content: Any, arrays: Mapping[str, NDArray[Any]], owner: str) -> list[Any]:
    found: list[Any] = _array(content, arrays, owner).reshape(-1).tolist()
    return found


_READERS: dict[str, Callable[[Any, Mapping[str, NDArray[Any]], str], Any]] = {
    "array": _array,
    "scalar": _scalar,
    "list": _list,
    "tuple": lambda content, arrays, owner: tuple(_list(content, arrays, owner)),
    "dict": _dict,
    "list_of_numbers": _numbers,
    "tuple_of_numbers": lambda content, arrays, owner: tuple(_numbers(content, arrays, owner)),
}
