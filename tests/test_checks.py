"""`fastlstm.checks`: what each accepts, and the error for everything else."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from fastlstm import checks


class Index:
    def __index__(self) -> int:
        return 3


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3), Index()])
def test_whole_numbers(value: Any) -> None:
    number = checks.whole_number("n", value, at_least=3, at_most=3)
    assert (type(number), number) == (int, 3)


@pytest.mark.parametrize("value", [[3, 1], (np.int8(3), 1), np.array([3, 1], "uint64"), [], np.zeros(0)])
def test_arrays_of_whole_numbers(value: Any) -> None:
    numbers = checks.whole_numbers("n", value)
    assert numbers.dtype == np.int64
    assert numbers.tolist() == list(value)


@pytest.mark.parametrize("value", [3, 3.0, np.float16(3), np.longdouble(3), np.int8(3), np.array(3.0), Fraction(3)])
def test_real_numbers(value: Any) -> None:
    number = checks.real_number("x", value, at_least=3, at_most=3)
    assert (type(number), number) == (float, 3.0)
    assert checks.real_number("x", np.inf, above=0, infinite=True) == np.inf


@pytest.mark.parametrize("value", [True, np.True_, 1, np.int8(1)])
def test_truth(value: Any) -> None:
    assert checks.truth("t", value) is True
    assert checks.truth("t", value - value if value is not np.True_ else np.False_) is False


@pytest.mark.parametrize(
    ("check", "message", "error"),
    [
        (lambda: checks.whole_number("n", 2.0), "n must be a whole number, got 2.0", TypeError),
        (lambda: checks.whole_number("n", True), "n must be a whole number, got True", TypeError),
        (lambda: checks.whole_number("n", np.True_), "n must be a whole number, got .*True", TypeError),
        (lambda: checks.whole_number("n", "8"), "n must be a whole number, got '8'", TypeError),
        (lambda: checks.whole_number("n", [8]), r"n must be a whole number, got \[8\]", TypeError),
        (
            lambda: checks.whole_number("n", 10**5000, at_most=9),
            "n must be a whole number of at most 9, got",
            ValueError,
        ),
        (lambda: checks.whole_number("n", 0, at_least=1), "n must be a whole number of at least 1, got 0", ValueError),
        (lambda: checks.size("n", 2**31), "n must be a whole number from 1 to 2147483647, got 2147483648", ValueError),
        (lambda: checks.seed("n", -1), "n must be a whole number of at least 0, got -1", ValueError),
        (
            lambda: checks.whole_numbers("n", [1.0, 2.0]),
            "n must be an array of whole numbers, got dtype float64",
            TypeError,
        ),
        (lambda: checks.whole_numbers("n", [True]), "n must be an array of whole numbers, got dtype bool", TypeError),
        (lambda: checks.whole_numbers("n", [[1], [1, 2]]), "n must be an array of .*, got a ragged list", TypeError),
        (
            lambda: checks.whole_numbers("n", np.array([2**63], "uint64")),
            f"n must be an array of whole numbers of at most {2**63 - 1}, got {2**63}",
            ValueError,
        ),
        (
            lambda: checks.refuse_shape("x", (2, 3), (2,), "; pad it"),
            r"x must have shape .*, got \(2,\); pad",
            ValueError,
        ),
        (lambda: checks.refuse_dtype("x", "bool", "int8"), "x must have dtype bool, got int8", TypeError),
        (lambda: checks.refuse_count("x", "two numbers", [1]), "x must be two numbers, got 1 of them", ValueError),
        (lambda: checks.refuse_count("x", "two numbers", 1), "x must be two numbers, got 1$", ValueError),
        (lambda: checks.refuse_pair("f", a=1, b=None), "f must be given either a or b, got a=1, b=None", ValueError),
        (lambda: checks.path("p", 3), "p must be a path, got 3", TypeError),
        (
            lambda: checks.text("s", [np.zeros((2, 3))]),
            r"s must be a str, got \[an array of shape \(2, 3\) and dtype float64\]",
            TypeError,
        ),
        (
            lambda: checks.refuse_call(KeyError("a"), "f: ", "3"),
            "f: the arguments must go together, got 3: 'a'",
            ValueError,
        ),
        (
            lambda: checks.refuse_call(TypeError("x must go, got 3"), "f: ", "y"),
            "^f: x must go, got 3; it was called on y$",
            TypeError,
        ),
        (lambda: checks.complain(KeyError, "x", "go", "none"), "'x must go, got none'", KeyError),
        (lambda: checks.real_number("x", "1"), "x must be a number, got '1'", TypeError),
        (lambda: checks.real_number("x", None), "x must be a number, got None", TypeError),
        (lambda: checks.real_number("x", 1j), "x must be a number, got 1j", TypeError),
        (lambda: checks.real_number("x", True), "x must be a number, got True", TypeError),
        (lambda: checks.real_number("x", np.zeros(1)), r"x must be a number, got array\(\[0.\]\)", TypeError),
        (lambda: checks.real_number("x", np.nan, infinite=True), "x must be a number, got nan", ValueError),
        (lambda: checks.real_number("x", -np.inf), "x must be a number, got -inf", ValueError),
        (lambda: checks.real_number("x", 10**400), "x must be a number, got 1000", ValueError),
        (lambda: checks.real_number("x", 0, above=0, below=1), "x must be a number above 0 and below 1", ValueError),
        (lambda: checks.fraction("x", 1.5), "x must be a number from 0 to 1, got 1.5", ValueError),
        (lambda: checks.truth("t", "no"), "t must be True or False, got 'no'", TypeError),
        (lambda: checks.truth("t", None), "t must be True or False, got None", TypeError),
        (lambda: checks.truth("t", 1.0), "t must be True or False, got 1.0", TypeError),
        (lambda: checks.truth("t", 2), "t must be True or False, got 2", ValueError),
        (lambda: checks.text("s", b"a"), "s must be a str, got b'a'", TypeError),
        (lambda: checks.one_of("m", "c", ("a", None)), "m must be 'a' or None, got 'c'", ValueError),
        (lambda: checks.one_of("m", np.zeros(2), ("a",)), "m must be 'a', got array", TypeError),
        (
            lambda: checks.memory("n", 7, 2**80).__enter__(),
            f"n must be smaller, got 7: that needs {2**80} bytes",
            MemoryError,
        ),
    ],
)
def test_refusals(check: Callable[[], Any], message: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^{message}"):
        check()


def test_memory_that_is_not_there_now() -> None:
    message = "n must be smaller, got 7: that needs 56 bytes of memory, more than there are"
    with pytest.raises(MemoryError, match=message), checks.memory("n", 7, 56):
        raise MemoryError("std::bad_alloc")


def test_messages_stay_short() -> None:
    for value in ("a" * 10**6, list(range(10**6)), 10**10**5, np.zeros(10**6), {i: i for i in range(10**5)}):
        assert len(checks.shown(value)) < 200
    assert "Unprintable" in checks.shown(Unprintable())
