"""A reader of pickles that makes plain values only: it calls nothing but the functions it is given by name.

Opcodes are those that PyTorch and NumPy write, of protocols 2 to 5. There is no recursion, and nothing is imported.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from fastlstm import checks

MOST_STEPS = 500_000
"""Opcodes of a pickle: each may take some dozens of bytes of memory, however few it has in the file."""

_SMALL = re.compile(rb"K.|M..", re.DOTALL)
_SMALL_ONES = re.compile(rb"(?:K.|M..)+", re.DOTALL)
"""A whole number of one or two bytes, and a run of them."""


class _Numbers(dict[bytes, int]):
    """Small numbers by what stands for them, opcode and bytes, as they are needed."""

    def __missing__(self, written: bytes) -> int:
        found = self[written] = int.from_bytes(written[1:], "little")
        return found


_NUMBERS = _Numbers()

_LONGEST_RUN = 4096
"""Small numbers that are taken at a time: what stands for them takes more room than they do."""

_LONGEST_INTEGER = 16
"""Bytes of an integer."""

Known = Mapping[str, Any]
"""What names in a pickle stand for: functions of the arguments that the pickle has for them, or values."""


class _Reduced:
    """A function that a pickle names, which can be called but is no value."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


class Stated:
    """A value that a pickle tells more of after it is made."""

    def set_state(self, state: Any) -> None:
        """Take it; ValueError if it does not fit."""
        raise NotImplementedError


class _Mark:
    """Where a run of values begins on the stack."""


_MARK = _Mark()


class Unpickled:
    """A pickle as a value.

    Parameters
    ----------
    data : bytes
        The pickle.
    known : Known
        Functions and values by the names that the pickle may have for them, such as ``"collections.OrderedDict"``.
    persistent : callable
        Gives the value of a persistent identifier.
    owner : str
        Name of the file, for errors.
    most : int
        Opcodes.
    """

    def __init__(
        self, data: bytes, known: Known, persistent: Callable[[Any], Any], owner: str, most: int = MOST_STEPS
    ) -> None:
        self._data, self._place, self._owner = data, 0, owner
        self._left = most
        self._known, self._persistent = known, persistent
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def value(self) -> Any:
        """Read to the end, and return what the pickle is of."""
        most = self._left
        while self._left > 0:
            self._left -= 1
            code = self._bytes(1)
            if code == b".":
                return self._pop()
            if code not in _STEPS:
                self.refuse(f"the opcode {code!r}, which no file of tensors has")
            _STEPS[code](self)
        self.refuse(f"one of more than {most} opcodes")

    def refuse(self, got: str) -> NoReturn:
        """Raise ValueError about the pickle."""
        must = "be a pickle of tensors and plain values"
        checks.complain(ValueError, self._owner, must, f"{got} (byte {self._place})")

    # Bytes.

    def _bytes(self, count: int) -> bytes:
        found = self._data[self._place : self._place + count]
        if len(found) != count:
            self.refuse("one that is cut off")
        self._place += count
        return found

    def _number(self, code: str) -> Any:
        return struct.unpack(code, self._bytes(struct.calcsize(code)))[0]

    def _small_numbers(self) -> None:
        """Take a run of whole numbers of one or two bytes, whose first opcode has been read."""
        begin = self._place - 1
        run = _SMALL_ONES.match(self._data, begin, begin + 3 * min(self._left, _LONGEST_RUN))
        if run is None:
            self.refuse("one that is cut off, or of too many opcodes")
        written = _SMALL.findall(run.group())
        self._stack.extend(map(_NUMBERS.__getitem__, written))
        self._place = run.end()
        self._left -= len(written) - 1

    def _line(self) -> str:
        end = self._data.find(b"\n", self._place, self._place + 1000)
        if end < 0:
            self.refuse("a name without an end")
        return self._decoded(self._bytes(end + 1 - self._place)[:-1])

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self.refuse("a text that is not UTF-8")

    # The stack.

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            self.refuse("an opcode without its value")
        return self._plain(self._stack.pop())

    def _plain(self, value: Any) -> Any:
        if isinstance(value, _Reduced):
            self.refuse("a function in place of a value")
        return value

    def _top(self, kind: type) -> Any:
        if not self._stack or not isinstance(self._stack[-1], kind):
            self.refuse(f"an entry of something that is no {kind.__name__}")
        return self._stack[-1]

    def _run(self) -> list[Any]:
        """Take the values above the last mark."""
        for start in range(len(self._stack) - 1, -1, -1):
            if self._stack[start] is _MARK:
                run = self._stack[start + 1 :]
                del self._stack[start:]
                if _Reduced in {*map(type, run)}:
                    self.refuse("a function in place of a value")
                return run
        self.refuse("a run of values without a beginning")

    def _tuple(self, count: int) -> None:
        values = [self._pop() for _ in range(count)]
        self._stack.append(tuple(reversed(values)))

    # What opcodes do.

    def _append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _set(self, values: list[Any]) -> None:
        target = self._top(dict)
        if len(values) % 2:
            self.refuse("a key without a value")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str | int):
                self.refuse(f"{checks.shown(key)} as a key")
            target[key] = value

    def _remember(self, place: int) -> None:
        if not self._stack or self._stack[-1] is _MARK:
            self.refuse("nothing to remember")
        self._memo[place] = self._stack[-1]

    def _recall(self, place: int) -> None:
        if place not in self._memo:
            self.refuse("a value before it is made")
        self._stack.append(self._memo[place])

    def _name(self, module: str, name: str) -> None:
        full = f"{module}.{name}"
        if full not in self._known:
            cure = (
                "; with PyTorch, save model.state_dict() rather than the model, and tensors rather than other objects"
            )
            must = "name nothing but tensors and plain values"
            checks.complain(ValueError, self._owner, must, f"{checks.shown(full)}, which is not looked up{cure}")
        found = self._known[full]
        self._stack.append(_Reduced(found) if callable(found) else found)

    def _name_on_stack(self) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            self.refuse("a name that is no text")
        self._name(module, name)

    def _call(self) -> None:
        arguments = self._pop()
        reduced = self._stack.pop() if self._stack else None
        if not isinstance(reduced, _Reduced) or not isinstance(arguments, tuple):
            self.refuse("a call of something that is no function")
        try:
            self._stack.append(reduced.function(*arguments))
        except TypeError as error:
            self.refuse(f"a function with other arguments: {error}")
        except ValueError as error:
            raise checks.named(error, self._owner) from error

    def _state(self) -> None:
        """Leave out what is set on an object that is not `Stated`: of a ``state_dict`` the versions of its modules."""
        state = self._pop()
        if self._stack and isinstance(self._stack[-1], Stated):
            self._stack[-1].set_state(state)
        else:
            self._top(dict)

    def _integer(self, count: int) -> None:
        if count > _LONGEST_INTEGER:
            self.refuse(f"an integer of {count} bytes")
        self._stack.append(int.from_bytes(self._bytes(count), "little", signed=True))

    def _pairs(self) -> list[Any]:
        value, key = self._pop(), self._pop()
        return [key, value]


_Step = Callable[[Unpickled], None]


def _pushing(make: Callable[[Unpickled], Any]) -> _Step:
    return lambda reader: reader._stack.append(make(reader))


def _number(form: str) -> _Step:
    return _pushing(lambda reader: reader._number(form))


def _text(length: str) -> _Step:
    return _pushing(lambda reader: reader._decoded(reader._bytes(reader._number(length))))


_STEPS: dict[bytes, _Step] = {
    b"K": lambda reader: reader._small_numbers(),
    b"M": lambda reader: reader._small_numbers(),
    b"J": _number("<i"),
    b"G": _number(">d"),
    b"\x8a": lambda reader: reader._integer(reader._number("<B")),
    b"X": _text("<I"),
    b"\x8c": _text("<B"),
    b"\x8d": _text("<Q"),
    b"U": _pushing(lambda reader: reader._bytes(reader._number("<B")).decode("latin-1")),
    b"C": _pushing(lambda reader: reader._bytes(reader._number("<B"))),
    b"N": _pushing(lambda _: None),
    b"\x88": _pushing(lambda _: True),
    b"\x89": _pushing(lambda _: False),
    b"}": _pushing(lambda _: {}),
    b"]": _pushing(lambda _: []),
    b")": _pushing(lambda _: ()),
    b"(": _pushing(lambda _: _MARK),
    b"\x80": lambda reader: reader._number("<B"),
    b"\x95": lambda reader: reader._number("<Q"),
    b"t": lambda reader: reader._stack.append(tuple(reader._run())),
    b"\x85": lambda reader: reader._tuple(1),
    b"\x86": lambda reader: reader._tuple(2),
    b"\x87": lambda reader: reader._tuple(3),
    b"a": lambda reader: reader._append([reader._pop()]),
    b"e": lambda reader: reader._append(reader._run()),
    b"s": lambda reader: reader._set(reader._pairs()),
    b"u": lambda reader: reader._set(reader._run()),
    b"q": lambda reader: reader._remember(reader._number("<B")),
    b"r": lambda reader: reader._remember(reader._number("<I")),
    b"\x94": lambda reader: reader._remember(len(reader._memo)),
    b"h": lambda reader: reader._recall(reader._number("<B")),
    b"j": lambda reader: reader._recall(reader._number("<I")),
    b"c": lambda reader: reader._name(reader._line(), reader._line()),
    b"\x93": lambda reader: reader._name_on_stack(),
    b"R": lambda reader: reader._call(),
    b"Q": lambda reader: reader._stack.append(reader._persistent(reader._pop())),
    b"b": lambda reader: reader._state(),
}
