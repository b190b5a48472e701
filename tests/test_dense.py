"""The packed dense product: right on every instruction set, and a row keeps its bits in any batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from arrangements import anything, arranged, laid_over
from hypothesis import strategies as st
from running import running
from seeds import for_all

import fastlstm as fl
from fastlstm import _core

SIZES = [(1, 1, 1), (3, 5, 9), (7, 128, 10), (2, 33, 64), (65, 17, 31), (300, 40, 70)]


def draw(*shape: int, dtype: str = "float32") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 4e-6), ("float64", 1e-14)])
@pytest.mark.parametrize(("N", "I", "O"), SIZES)
def test_is_the_product(isa: str, N: int, I: int, O: int, dtype: str, tolerance: float) -> None:
    """A chain of up to 128 products of numbers of order one: the roundings of a sum of size ten or so."""
    x, kernel, bias = draw(N, I, dtype=dtype), draw(I, O, dtype=dtype), draw(O, dtype=dtype)
    wanted = x.astype("float64") @ kernel.astype("float64")
    scale = max(1, np.abs(wanted).max())
    np.testing.assert_allclose(_core.Dense(kernel)(x), wanted, rtol=0, atol=tolerance * scale)
    np.testing.assert_allclose(_core.Dense(kernel, bias)(x), wanted + bias, rtol=0, atol=tolerance * scale)
    np.testing.assert_array_equal(_core.Dense(np.asfortranarray(kernel), bias)(x), _core.Dense(kernel, bias)(x))


@pytest.mark.parametrize(("N", "I", "O"), SIZES)
def test_a_row_has_the_same_bits_in_any_batch(isa: str, threads: int, N: int, I: int, O: int) -> None:
    dense, x = _core.Dense(draw(I, O), draw(O)), draw(N, I)
    whole = dense(x)
    for row in range(0, N, 7):
        np.testing.assert_array_equal(dense(x[row : row + 1])[0], whole[row])
    np.testing.assert_array_equal(dense(x[::-1])[::-1], whole)


def test_same_bits_for_any_number_of_threads(isa: str) -> None:
    dense, x = _core.Dense(draw(200, 90), draw(90)), draw(1000, 200)
    before, outputs = fl.get_num_threads(), []
    for count in (1, 2, 5):
        fl.set_num_threads(count)
        outputs.append(dense(x))
    fl.set_num_threads(before)
    np.testing.assert_array_equal(outputs[1], outputs[0])
    np.testing.assert_array_equal(outputs[2], outputs[0])


@for_all(
    25,
    sizes=st.tuples(st.sampled_from([0, 1, 7, 100, 999]), *[st.sampled_from([1, 9, 33, 130, 300])] * 2),
    dtype=st.sampled_from(["float32", "float64"]),
    ways=st.tuples(st.sampled_from(fl.available_isas()), st.sampled_from([1, 2, 3, 5, 8])),
    forms=st.tuples(anything, anything, anything),
    offset=st.integers(0, 300),
)
def test_anywhere_in_memory(
    sizes: tuple[int, int, int], dtype: str, ways: tuple[str, int], forms: tuple[str, str, str], offset: int
) -> None:
    """On any number of threads, with arrays of any strides, and an output over the input."""
    N, I, O = sizes
    x, kernel, bias = draw(N, I, dtype=dtype), draw(I, O, dtype=dtype), draw(O, dtype=dtype)
    with running(ways[0], 1):
        wanted = _core.Dense(kernel, bias)(x)
    with running(*ways):
        dense = _core.Dense(arranged(kernel, forms[0]), arranged(bias, forms[1]))
        np.testing.assert_array_equal(dense(arranged(x, forms[2])), wanted)
        out, over = laid_over(wanted, x, offset)
        np.testing.assert_array_equal(dense(over, out), wanted)


def test_empty_and_strided_input() -> None:
    dense, x = _core.Dense(draw(6, 4)), draw(5, 12)
    assert dense(draw(0, 6)).shape == (0, 4)
    np.testing.assert_array_equal(dense(x[:, ::2]), dense(np.ascontiguousarray(x[:, ::2])))
    np.testing.assert_array_equal(dense(np.broadcast_to(x[:1, :6], (3, 6))), np.repeat(dense(x[:1, :6]), 3, axis=0))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: _core.Dense(draw(6)), ValueError, r"kernel must have shape \(any, any\), got \(6,\)"),
        (lambda: _core.Dense(draw(0, 4)), ValueError, r"kernel must have at least one row .* got shape \(0, 4\)"),
        (lambda: _core.Dense(draw(6, 4), draw(5)), ValueError, r"bias must have shape \(4,\), got \(5,\)"),
        (lambda: _core.Dense(draw(6, 4, dtype="float16")), TypeError, "kernel must have dtype float32 or float64"),
        (lambda: _core.Dense(draw(6, 4))(draw(3, 5)), ValueError, r"x must have shape \(any, 6\), got \(3, 5\)"),
        (lambda: _core.Dense(draw(6, 4))(draw(3, 6, dtype="float64")), TypeError, "x must have dtype float32"),
    ],
)
def test_wrong_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
