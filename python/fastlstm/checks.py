"""Checks of single arguments: each gives the value in its right type, or raises.

TypeError is for the wrong kind, ValueError for the wrong value. Messages read ``name must ..., got ...``; `complain` is
what builds them. A name may have its owner before it, as in ``"lstm: units"``.
"""

from __future__ import annotations

import math
import numbers
import operator
import os
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

LARGEST_SIZE = 2**31 - 1
"""Of units, features and the like."""

LARGEST_AXIS = 2**63 - 1
"""Of any array."""

_NO_NUMBERS = (bool, np.bool_, np.timedelta64)  # though Python or NumPy count them among the numbers

LONGEST_TEXT = 300
"""What a message shows of a value at most; a config, say, may be nested."""


class _Short(reprlib.Repr):
    """Values in short, and of arrays with more than a few numbers what they are in place of them."""

    def repr_ndarray(self, x: NDArray[Any], level: int) -> str:
        if x.ndim < 2 and x.size <= self.maxlist:
            return self.repr_instance(x, level)
        return f"an array of shape {x.shape} and dtype {x.dtype}"


_short = _Short()
_short.maxstring = _short.maxother = _short.maxlong = 80


class _Range(NamedTuple):
    """Bounds of a number; None: there is none."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None

    def holds(self, number: float) -> bool:
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.above is None or number > self.above)
            and (self.at_most is None or number <= self.at_most)
            and (self.below is None or number < self.below)
        )

    def __str__(self) -> str:
        if self.at_least is not None and self.at_most is not None:
            return f" from {self.at_least} to {self.at_most}"
        words = zip(("of at least", "above", "of at most", "below"), self, strict=True)
        parts = [f" {word} {bound}" for word, bound in words if bound is not None]
        return " and".join(parts)


def shown(value: Any) -> str:
    """Return how a message shows `value`: never longer than a line or two, whatever it is."""
    try:
        text = _short.repr(value)
        return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
    except Exception:  # of a user's own class; or an int of more digits than Python prints
        return f"a {type(value).__name__}"


def complain(
    error: type[Exception], name: str, must: str, got: Any, cure: str = "", cause: Exception | None = None
) -> NoReturn:
    """Raise `error` about the argument `name` in the one wording there is; `cure` says what to do."""
    raise error(f"{name} must {must}, got {got}{cure}") from cause


def refuse(error: type[Exception], name: str, wanted: str, value: Any, cure: str = "") -> NoReturn:
    """Raise `error` about the `value` of an argument that must be what is `wanted`."""
    complain(error, name, f"be {wanted}", shown(value), cure)


def refuse_shape(name: str, wanted: Any, found: Any, cure: str = "") -> NoReturn:
    """Raise ValueError about an array of another shape."""
    complain(ValueError, name, f"have shape {wanted}", found, cure)


def refuse_dtype(name: str, wanted: Any, found: Any, cure: str = "") -> NoReturn:
    """Raise TypeError about an array of another dtype."""
    complain(TypeError, name, f"have dtype {wanted}", found, cure)


def refuse_count(name: str, wanted: str, found: Any) -> NoReturn:
    """Raise ValueError about a list that has another number of entries than `wanted` says, or is none."""
    got = f"{len(found)} of them" if isinstance(found, list | tuple) else shown(found)
    complain(ValueError, name, f"be {wanted}", got)


def refuse_pair(owner: str, **given: Any) -> NoReturn:
    """Raise ValueError about two arguments of which one must be `given`, the other None."""
    got = ", ".join(f"{argument}={shown(value)}" for argument, value in given.items())
    complain(ValueError, owner, f"be given either {' or '.join(given)}", got)


def refuse_without(package: str, purpose: str, extra: str, cause: ImportError) -> NoReturn:
    """Raise ImportError about a package that is not there, and the extra of this one that brings it."""
    raise ImportError(f"{purpose} needs {package}: pip install fastlstm[{extra}]") from cause


def named(error: Exception, owner: str) -> Exception:
    """Return an error of the same kind with the `owner` of the argument before it."""
    kind = next((kind for kind in (TypeError, NotImplementedError) if isinstance(error, kind)), ValueError)
    return kind(f"{owner}: {error}")


def refuse_call(error: Exception, owner: str, given: str) -> NoReturn:
    """Raise what is wrong with a call on what is `given`: an `error` of this module as it is, else with its words.

    `owner` stands before the message.
    """
    kind, text = (TypeError if isinstance(error, TypeError) else ValueError), str(error).rstrip()
    if is_worded(error):
        raise kind(f"{owner}{text}; it was called on {given}") from error
    complain(kind, f"{owner}the arguments", "go together", f"{given}: {text}", cause=error)


def is_worded(error: Exception) -> bool:
    """Whether an error is one about an argument, as `complain` words it."""
    return " must " in str(error) and ", got " in str(error)


def kind_error(value: Any) -> type[Exception]:
    """Return the error for a `value` in place of a name: ValueError for an unknown name, TypeError for no name."""
    return ValueError if isinstance(value, str) else TypeError


def whole_number(name: str, value: Any, *, at_least: int | None = None, at_most: int | None = None) -> int:
    """`value` as an int: whole numbers of Python or NumPy, and what has ``__index__``; no booleans, no 2.0."""
    bounds = _Range(at_least=at_least, at_most=at_most)
    if type(value) is int and bounds.holds(value):  # as nearly always, and in every call of a small model
        return value
    wanted = f"a whole number{bounds}"
    if isinstance(value, _NO_NUMBERS):
        refuse(TypeError, name, wanted, value)
    try:
        number = operator.index(value)
    except TypeError:
        refuse(TypeError, name, wanted, value)
    if not bounds.holds(number):
        refuse(ValueError, name, wanted, number)
    return number


def whole_numbers(name: str, value: Any) -> NDArray[np.int64]:
    """`value` as an array of whole numbers, of any integer dtype but no floats; nothing is an array of them too."""
    wanted = "an array of whole numbers"
    found = array(name, value, wanted)
    if found.dtype.kind not in "iu" and found.size:
        complain(TypeError, name, f"be {wanted}", f"dtype {found.dtype}")
    largest = np.iinfo(np.int64).max
    if found.size and int(found.max()) > largest:  # which would come out negative; NumPy 1 compares them as floats
        complain(ValueError, name, f"be {wanted} of at most {largest}", found.max())
    return found.astype(np.int64)


def size(name: str, value: Any) -> int:
    """`value` if it can be the length of an axis of a weight: units, features, rows of a table."""
    return whole_number(name, value, at_least=1, at_most=LARGEST_SIZE)


def seed(name: str, value: Any) -> int | None:
    """`value` if it is None or can start a random generator."""
    return None if value is None else whole_number(name, value, at_least=0)


def real_number(
    name: str,
    value: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    infinite: bool = False,
) -> float:
    """`value` as a float: real numbers of Python or NumPy, no booleans; never NaN, and finite unless `infinite`."""
    bounds = _Range(at_least, above, at_most, below)
    if type(value) is float and math.isfinite(value) and bounds.holds(value):  # as nearly always
        return value
    wanted = f"a number{bounds}"
    found = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(found, _NO_NUMBERS) or not isinstance(found, numbers.Real):
        refuse(TypeError, name, wanted, value)
    number = _as_float(found)
    known = not math.isnan(number) if infinite else math.isfinite(number)
    if not (known and bounds.holds(number)):
        refuse(ValueError, name, wanted, value)
    return number


def fraction(name: str, value: Any) -> float:
    """`value` as a float from 0 to 1."""
    return real_number(name, value, at_least=0, at_most=1)


def truth(name: str, value: Any) -> bool:
    """`value` as a bool: a boolean of Python or NumPy, or one of the whole numbers 0 and 1, which equal them."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if not isinstance(value, int | np.integer) or isinstance(value, _NO_NUMBERS):
        refuse(TypeError, name, "True or False", value)
    if value not in (0, 1):
        refuse(ValueError, name, "True or False", value)
    return bool(value)


def text(name: str, value: Any) -> str:
    """`value` if it is a str."""
    if not isinstance(value, str):
        refuse(TypeError, name, "a str", value)
    return value


def one_of(name: str, value: T, valid: Iterable[T]) -> T:
    """`value` if it is one of the `valid` names; None may be among them."""
    valid = tuple(valid)
    if (isinstance(value, str) or value is None) and value in valid:
        return value
    *others, last = map(repr, valid)
    refuse(kind_error(value), name, f"{', '.join(others)} or {last}" if others else last, value)


def float_dtype(name: str, value: Any, wanted: str = "'float32' or 'float64'") -> np.dtype[Any]:
    """`value` as the dtype float32 or float64."""
    found = any_dtype(name, value, wanted)
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        refuse(TypeError, name, wanted, value)
    return found


def any_dtype(name: str, value: Any, wanted: str = "a dtype such as 'float32'") -> np.dtype[Any]:
    """`value` as the dtype it names; NumPy also takes what only has one, and None for float64."""
    if not isinstance(value, str | type | np.dtype):
        refuse(TypeError, name, wanted, value)
    try:
        found: np.dtype[Any] = np.dtype(value)
    except Exception:  # NumPy has several for what is no dtype
        refuse(TypeError, name, wanted, value)
    return found


def items(name: str, value: Any, wanted: str) -> list[Any]:
    """`value` as a list: of any iterable but text, a dict, which gives its keys, and an array, which gives its rows."""
    if isinstance(value, str | bytes | Mapping | np.ndarray) or not isinstance(value, Iterable):
        refuse(TypeError, name, wanted, value)
    return list(value)


def settings(name: str, value: Any) -> dict[str, Any]:
    """`value` as a dict of keyword arguments."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        refuse(TypeError, name, "a dict from argument names to values", value)
    return dict(value)


def path(name: str, value: Any) -> str:
    """`value` as the path of a file."""
    if not isinstance(value, str | os.PathLike):
        refuse(TypeError, name, "a path", value)
    found = os.fsdecode(value)
    if "\0" in found:
        refuse(ValueError, name, "a path without zero bytes", found)
    return found


def function(name: str, value: Any, wanted: str = "a function") -> Any:
    """`value` if it can be called."""
    if not callable(value):
        refuse(TypeError, name, wanted, value)
    return value


def array(name: str, value: Any, wanted: str = "an array of numbers") -> NDArray[Any]:
    """`value` as an array of whatever dtype it has; of the class ndarray itself, so that all of them index alike."""
    try:
        return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:  # ragged lists, and what other libraries' arrays raise when they are asked for theirs
        got = "a ragged list; pad it first" if isinstance(value, list | tuple) else f"{shown(value)}: {error}"
        complain(TypeError, name, f"be {wanted}", got, cause=error)


@contextmanager
def memory(name: str, value: Any, nbytes: int) -> Iterator[None]:
    """MemoryError about the argument if the `nbytes` it asks for are not there; if they never can be, before trying."""
    cure = f": that needs {nbytes} bytes of memory, more than there are"
    if nbytes > _machine_bytes():
        refuse(MemoryError, name, "smaller", value, cure)
    try:
        yield
    except MemoryError:
        refuse(MemoryError, name, "smaller", value, cure)


@cache
def _machine_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows; then what processors can address
        return 2**47


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an int beyond all floats is not meant as infinity
        return math.nan
