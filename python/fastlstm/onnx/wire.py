"""How much memory a file of protocol buffers takes once it is read, told from its lengths alone."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fastlstm import checks

SPARE = 3 * 2**24
"""Bytes that the parts of a file may take beyond twice its length."""

_MESSAGE, _VALUE = 160, 64
"""Bytes that a message takes, and a text or a number, besides what they hold; this bounds the time as well."""

_MOST = _MESSAGE // 2
"""Bytes that a byte of a file may take: a message has two bytes or more."""
_SMALL = SPARE // _MOST
"""Length of a file that cannot take more than is to spare."""
_UNSEEN = 2**15
"""Bytes of messages that are not looked into, and count for the most they can take: of few layers all but weights."""

_VARINT, _DELIMITED = 0, 2
_WIDTHS = {_VARINT: 1, 1: 8, 5: 4}
"""Bytes of numbers in a file, by their kind; of those that take as few as they need, at least."""
_HELD = {_VARINT: 8, 1: 8, 5: 4}
"""Bytes of them in memory."""
_RUN, _MOST_ALIKE = 2**6, 2**16
"""Such numbers, each a field of its own, after which and of which so many are looked at together."""


class _Field(NamedTuple):
    """A field that has a length."""

    message: Any
    """Description of the message that it is, or None."""
    width: int
    """Bytes in memory of a number if it is a list of those that are written in as few as they need, or 0."""


def check_memory(data: bytes, kind: Any, owner: str) -> None:
    """Refuse a file that takes much more memory than it is long; what is no whole file is left to the parser.

    Parameters
    ----------
    data : bytes
        What is in the file.
    kind : type of message
        Description of the message that it is.
    owner : str
        Whose it is, for errors.
    """
    if len(data) <= _SMALL:
        return
    most = SPARE + 2 * len(data)
    try:
        taken = _memory(data, kind, most)
    except (IndexError, ValueError):
        return
    if taken > most:
        got = "messages of a few bytes or numbers that are not raw, which take more"
        cure = "; onnx.numpy_helper.from_array() makes raw ones"
        checks.complain(ValueError, owner, f"take at most {most} bytes of memory once it is read", got, cure)


def _memory(data: bytes, kind: Any, most: int) -> int:
    """Return about how many bytes a message takes, or more than `most` as soon as that is known."""
    taken, place, end, fields, unseen, run, last = 0, 0, len(data), _fields(kind), _UNSEEN, 0, 0
    around: list[tuple[int, dict[int, _Field]]] = []
    while taken <= most:
        if place >= end:
            if not around:
                break
            end, fields = around.pop()
            continue
        tag, place = (data[place], place + 1) if data[place] < 128 else _varint(data, place)
        if tag & 7 != _DELIMITED:
            place, taken = _behind(data, place, tag & 7), taken + _VALUE
            run, last = (run + 1 if tag == last else 0), tag
            if run == _RUN and tag < 128:
                count, run = _alike(data, place, end, tag), 0
                place, taken = place + count * (1 + _WIDTHS[tag & 7]), taken + _in_list(count, _HELD[tag & 7])
            continue
        length, place = (data[place], place + 1) if data[place] < 128 else _varint(data, place)
        field = fields.get(tag >> 3, _TEXT)
        if field.message is None:
            taken += _VALUE + _of_values(data, place, length, field.width)
            place += length
        elif length <= unseen:
            taken += _MESSAGE + _MOST * length
            place, unseen = place + length, unseen - length
        else:
            taken += _MESSAGE
            around.append((end, fields))
            end, fields = place + length, _fields(field.message)
    return taken


def _behind(data: bytes, place: int, kind: int) -> int:
    """Return the place behind a number."""
    if kind == _VARINT:
        return place + 1 if data[place] < 128 else _varint(data, place)[1]
    return place + _WIDTHS.get(kind, len(data))


def _alike(data: bytes, place: int, end: int, tag: int) -> int:
    """Return how many fields of a tag and of the same width come one after the other."""
    width, count, window = 1 + _WIDTHS[tag & 7], 0, _RUN
    while (window := min(window, (end - place) // width - count)) > 0:
        fields = np.frombuffer(data, np.uint8, window * width, place + count * width).reshape(window, width)
        others = fields[:, 0] != tag
        if tag & 7 == _VARINT:
            others |= fields[:, 1] > 127
        if others.any():
            return count + int(others.argmax())
        count, window = count + window, min(2 * window, _MOST_ALIKE)  # as far again, so that no look is for little
    return count


def _of_values(data: bytes, place: int, length: int, width: int) -> int:
    """Return the bytes of a text, or of a list of numbers of a `width`."""
    if not width:
        return length
    last = np.frombuffer(data, np.uint8, length, place) < 128  # the last byte of each number
    return _in_list(int(np.count_nonzero(last)), width)


def _in_list(count: int, width: int) -> int:
    """Return the bytes of numbers of a `width` in a list, of all shorter ones that it was, and of the array of it.

    A list that is full becomes one of twice the length, and the memory that it had is not given back.
    """
    return width * (2 * count + (1 << count.bit_length()))


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of at most 10 bytes, and the place behind it; the end of the file if there is no such number."""
    number = 0
    for count, byte in enumerate(data[place : place + 10]):
        number |= (byte & 127) << 7 * count
        if byte < 128:
            return number, place + count + 1
    return 0, len(data)


@cache
def _fields(kind: Any) -> dict[int, _Field]:
    """Return the fields of a message by their numbers."""
    fields = kind.fields_by_number.items()
    return {number: _Field(field.message_type, _SIZES.get(field.cpp_type, 0)) for number, field in fields}


_TEXT = _Field(None, 0)
_SIZES = {1: 4, 2: 8, 3: 4, 4: 8, 7: 1, 8: 4}
"""Bytes of a number in memory, by its C++ type: those of 32 and 64 bits, truths and names of a list."""
