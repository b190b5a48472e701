"""Functions of texts: arrays of bytes in UTF-8, or of str, become arrays of bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from fastlstm import checks
from fastlstm.keras.foundation.arrays import Array
from fastlstm.keras.foundation.eager import EagerArray
from fastlstm.keras.foundation.tensors import tensor
from fastlstm.keras.foundation.texts import is_text

_UNITS = ("BYTE", "UTF8_CHAR")
_ASCII_SPACE = b" \t\n\v\f\r"


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1, fill: str = ""
) -> Array:
    """Numbers as texts.

    Parameters
    ----------
    input : array_like of str
        The numbers.
    precision : int
        Digits behind the point; -1: 6, of whole numbers none.
    scientific, shortest : bool
        Whether floats are written with an exponent, or in the shorter of both ways.
    width, fill : int; str
        Least number of characters, and what comes before numbers that have fewer.
    """
    numbers = np.asarray(input)
    if numbers.dtype.kind == "b":
        return _texts(numbers, lambda value: str(bool(value)).lower())
    kind = "d" if numbers.dtype.kind in "iu" else "e" if scientific else "g" if shortest else "f"
    digits = "" if precision < 0 or kind == "d" else f".{precision}"
    form = f"{'0' if fill == '0' else ''}{width if width > 0 else ''}{digits}{kind}"
    return _texts(numbers, lambda value: format(value.item(), form))


def bytes_split(input: Any) -> Any:
    """Bytes of a text one by one; of an array of texts a list with an array for each."""
    return _parts(input, lambda text: [text[k : k + 1] for k in range(len(text))])


def join(inputs: Any, separator: str = "") -> Array:
    """Texts of several arrays, entry by entry, with a separator between them."""
    parts = np.broadcast_arrays(*[_given(part, "inputs") for part in checks.items("inputs", inputs, "a list of texts")])
    joined = [separator.encode().join(texts) for texts in zip(*(part.ravel() for part in parts), strict=True)]
    return _array(joined, parts[0].shape)


def length(input: Any, unit: str = "BYTE") -> Array:
    """Numbers of bytes or, for the unit ``"UTF8_CHAR"``, characters."""
    in_bytes = checks.one_of("unit", unit, _UNITS) == "BYTE"
    texts = _given(input)
    found = [len(text) if in_bytes else len(_decoded(text)) for text in texts.ravel()]
    return np.array(found, np.int32).reshape(texts.shape)


def lower(input: Any, encoding: str = "") -> Array:
    """Texts in small letters: those of ASCII, or for the encoding ``"utf-8"`` all."""
    return _texts(input, _case(encoding, bytes.lower, str.lower))


def upper(input: Any, encoding: str = "") -> Array:
    """Texts in capital letters: those of ASCII, or for the encoding ``"utf-8"`` all."""
    return _texts(input, _case(encoding, bytes.upper, str.upper))


def _case(encoding: str, of_bytes: Callable[[bytes], bytes], of_text: Callable[[str], str]) -> Callable[[bytes], Any]:
    whole = checks.one_of("encoding", encoding, ("", "utf-8"))
    return (lambda text: of_text(_decoded(text))) if whole else of_bytes


def reduce_join(inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "") -> Array:
    """Texts along axes in one; None: all."""
    texts = _given(inputs, "inputs")
    axes = range(texts.ndim) if axis is None else np.atleast_1d(axis)
    along = [int(one) % max(texts.ndim, 1) for one in axes]
    last = np.moveaxis(texts, along, range(-len(along), 0))
    kept = last.shape[: texts.ndim - len(along)]
    lines = last.reshape(int(np.prod(kept, dtype=int)), -1)
    joined = _array([separator.encode().join(line) for line in lines], kept)
    return np.expand_dims(joined, tuple(along)) if keepdims else joined


def regex_full_match(input: Any, pattern: str) -> Array:
    """Whether texts are what a regular expression describes, from end to end."""
    found, texts = re.compile(pattern, re.ASCII), _given(input)
    return np.array([found.fullmatch(_decoded(text)) is not None for text in texts.ravel()]).reshape(texts.shape)


def regex_replace(input: Any, pattern: str, rewrite: str, replace_global: bool = True) -> Array:
    r"""Texts with something in place of what a regular expression describes.

    Parameters
    ----------
    input : array_like of str
        The texts.
    pattern : str
        The expression, of Python's module ``re``; classes such as ``\w`` are of ASCII.
    rewrite : str
        What is put there; ``\0`` stands for what was found, ``\1`` to ``\9`` for groups of it.
    replace_global : bool
        Whether everywhere, not only where it is found first.
    """
    found, put = re.compile(pattern, re.ASCII), re.sub(r"\\(\d)", r"\\g<\1>", rewrite)
    return _texts(input, lambda text: found.sub(put, _decoded(text), 0 if replace_global else 1))


def split(input: Any, sep: str | None = None, maxsplit: int = -1) -> Any:
    """Words of a text; of an array of texts a list with an array for each.

    Parameters
    ----------
    input : array_like of str
        The text, or an array of texts.
    sep : str, optional
        What is between words; None and an empty text: white space.
    maxsplit : int
        How often to split at most; -1: everywhere.
    """
    at = sep.encode() if sep else None
    return _parts(input, lambda text: text.split(at, maxsplit))


def strip(input: Any) -> Array:
    """Texts without white space at their ends."""
    return _texts(input, lambda text: text.strip(_ASCII_SPACE))


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE") -> Array:
    """Parts of texts.

    Parameters
    ----------
    input : array_like of str
        The texts.
    pos : array_like of int
        Where the part begins; below 0 from the end.
    len : array_like of int
        Bytes or characters of it, fewer where the text ends.
    unit : str
        ``"BYTE"`` or ``"UTF8_CHAR"``.
    """
    in_bytes = checks.one_of("unit", unit, _UNITS) == "BYTE"
    start, count = checks.whole_number("pos", pos), checks.whole_number("len", len, at_least=0)
    return _texts(input, lambda text: _part(text if in_bytes else _decoded(text), start, count))


def _part(text: Any, start: int, count: int) -> Any:
    first = start + len(text) if start < 0 else start
    if not 0 <= first <= len(text):
        checks.complain(ValueError, "pos", f"lie within the text, which is {len(text)} long", start)
    return text[first : first + count]


def to_number(input: Any, out_type: Any = "float32") -> Array:
    """Numbers that are written in texts."""
    dtype, texts = checks.any_dtype("out_type", out_type), _given(input)
    convert: Callable[[bytes], Any] = int if dtype.kind in "iu" else float
    return np.array([convert(text) for text in texts.ravel()], dtype).reshape(texts.shape)


def unicode_split(
    input: Any, input_encoding: str = "UTF-8", errors: str = "replace", replacement_char: int = 65533
) -> Any:
    """Characters of a text one by one; of an array of texts a list with an array for each.

    Parameters
    ----------
    input : array_like of str
        The text, or an array of texts.
    input_encoding : str
        ``"UTF-8"``.
    errors, replacement_char : str; int
        What becomes of bytes that are no characters: ``"replace"`` by the character with this number, ``"ignore"`` or
        ``"strict"``, an error.
    """
    checks.one_of("input_encoding", input_encoding, ("UTF-8",))
    mode = checks.one_of("errors", errors, ("replace", "ignore", "strict"))
    return _parts(input, lambda text: list(text.decode("utf-8", mode).replace("\ufffd", chr(replacement_char))))


def _given(value: Any, name: str = "input") -> Array:
    texts = np.asarray(tensor(value, name))
    if texts.size and not is_text(texts):
        checks.complain(TypeError, name, "be texts", f"dtype {texts.dtype}")
    return texts


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _encoded(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _array(texts: list[Any], shape: tuple[int, ...]) -> Array:
    found = np.empty(len(texts), object)
    found[:] = [_encoded(text) for text in texts]
    return found.reshape(shape)


def _texts(values: Any, change: Callable[[Any], str | bytes]) -> Array:
    """Return an array of what a function makes of every text, or number."""
    given = values if isinstance(values, np.ndarray) and not is_text(values) else _given(values)
    return _array([change(value) for value in given.ravel()], given.shape)


def _parts(value: Any, cut: Callable[[bytes], list[Any]]) -> Any:
    texts = _given(value)
    if texts.ndim > 1:
        checks.complain(ValueError, "input", "be a text or an array of one axis", f"shape {texts.shape}")
    lines = [_array(parts, (len(parts),)).view(EagerArray) for parts in map(cut, texts.ravel())]
    return lines if texts.ndim else lines[0]
