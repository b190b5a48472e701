"""The packed convolution against its reference on every instruction set, its gradients, bits, and any memory."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from arrangements import anything, arranged, dense_last, room_for
from helpers import Array
from hypothesis import strategies as st
from running import running
from seeds import for_all

import fastlstm as fl
from fastlstm import _core, reference
from fastlstm.reference import Taps

TOLERANCES = {"float32": 4e-6, "float64": 1e-14}  # of a sum of a few hundred products of order one, over its size


class Sizes(NamedTuple):
    """Of a convolution."""

    N: int
    T: int
    C: int
    F: int
    K: int
    groups: int = 1


SIZES = [
    Sizes(1, 1, 1, 1, 1),
    Sizes(2, 9, 3, 5, 3),
    Sizes(3, 7, 4, 6, 3, 2),
    Sizes(2, 8, 6, 6, 2, 6),
    Sizes(1, 40, 16, 32, 5),
    Sizes(5, 33, 8, 70, 4),
    Sizes(4, 70, 30, 9, 2, 3),
    Sizes(33, 5, 7, 64, 3),
]
PLACES = [Taps(), Taps(1, 1), Taps(2, 0, 1, 2), Taps(0, 3, 2), Taps(3, 2, 3), Taps(9, 9, 1, 3)]


def draw(*shape: int, dtype: str = "float64", seed: int = 0) -> Any:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(dtype)


def arrays_of(sizes: Sizes, taps: Taps, dtype: str) -> tuple[Array, Array, Array, Array]:
    """x, kernel, bias, dy"""
    N, T, C, F, K, groups = sizes
    count = taps.windows(T, K)
    arrays = draw(N, T, C), draw(K, C // groups, F, seed=1), draw(F, seed=2), draw(N, count, F, seed=3)
    return tuple(array.astype(dtype) for array in arrays)  # type: ignore[return-value]


def forward(sizes: Sizes, taps: Taps, x: Array, kernel: Array, bias: Array | None, out: Array | None = None) -> Array:
    found: Array = _core.Convolution(kernel, bias, groups=sizes.groups)(
        x, -taps.before, taps.windows(sizes.T, sizes.K), taps.stride, taps.dilation, out
    )
    return found


def gradients(sizes: Sizes, taps: Taps, x: Array, dy: Array) -> tuple[Array, Array]:
    return _core.convolution_gradients(x, dy, sizes.K, -taps.before, taps.stride, taps.dilation, sizes.groups)


def close(got: Array, wanted: Array, dtype: str) -> None:
    assert got.dtype == dtype
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCES[dtype] * max(1, np.abs(wanted).max(initial=0)))


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("sizes", "taps"), [*product(SIZES, PLACES)])
def test_is_its_reference(isa: str, sizes: Sizes, taps: Taps, dtype: str) -> None:
    x, kernel, bias, dy = arrays_of(sizes, taps, dtype)
    close(forward(sizes, taps, x, kernel, bias), reference.convolution(x, kernel, bias, taps, sizes.groups), dtype)
    close(forward(sizes, taps, x, kernel, None), reference.convolution(x, kernel, None, taps, sizes.groups), dtype)
    wanted = reference.convolution_backward(dy, x, kernel, taps, sizes.groups)
    for got, want in zip(gradients(sizes, taps, x, dy), wanted[1:], strict=True):
        close(got, want, dtype)


@pytest.mark.parametrize(("sizes", "taps"), [*product(SIZES[1:4], PLACES)])
def test_the_reference_has_these_gradients(sizes: Sizes, taps: Taps) -> None:
    """A sum of products is linear in each factor, so that differences are derivatives to rounding."""
    x, kernel, bias, dy = arrays_of(sizes, taps, "float64")
    given = {"x": x, "kernel": kernel, "bias": bias}
    found = reference.convolution_backward(dy, x, kernel, taps, sizes.groups)._asdict()
    for name, array in given.items():
        step = draw(*array.shape, seed=4)
        ends = [
            np.sum(dy * reference.convolution(**{**given, name: array + sign * step}, taps=taps, groups=sizes.groups))
            for sign in (1, -1)
        ]
        np.testing.assert_allclose(np.sum(found[name] * step), (ends[0] - ends[1]) / 2, rtol=1e-10, atol=1e-10)


def test_one_window_by_hand() -> None:
    x, kernel = np.arange(6.0).reshape(1, 3, 2), np.arange(1.0, 5.0).reshape(2, 2, 1)
    wanted = [[[1 * 0 + 2 * 1 + 3 * 2 + 4 * 3 + 10], [1 * 2 + 2 * 3 + 3 * 4 + 4 * 5 + 10]]]
    np.testing.assert_array_equal(reference.convolution(x, kernel, [10.0]), wanted)
    np.testing.assert_array_equal(_core.Convolution(kernel, np.array([10.0]))(x, 0, 2), wanted)


def test_a_window_has_the_same_bits_alone(isa: str, threads: int) -> None:
    sizes, taps = Sizes(3, 150, 9, 33, 3), Taps(4, 0, 1, 2)
    x, kernel, bias, _ = arrays_of(sizes, taps, "float32")
    whole = forward(sizes, taps, x, kernel, bias)
    convolution = _core.Convolution(kernel, bias)
    padded = np.pad(x, ((0, 0), (4, 0), (0, 0)))
    for window in (0, 1, 3, 4, 5, 80, 149):
        alone = convolution(padded[:, window : window + 5], 0, 1, 1, 2)
        np.testing.assert_array_equal(alone[:, 0], whole[:, window])


def test_same_bits_for_any_number_of_threads(isa: str) -> None:
    sizes, taps = Sizes(9, 200, 24, 70, 3, 2), Taps(1, 1)
    x, kernel, bias, dy = arrays_of(sizes, taps, "float32")
    found = []
    for count in (1, 2, 5):
        with running(isa, count):
            found.append([forward(sizes, taps, x, kernel, bias), *gradients(sizes, taps, x, dy)])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Sizes, Taps]:
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    inputs, outputs = draw(st.integers(1, 20)), draw(st.integers(1, 40))
    sizes = Sizes(
        draw(st.sampled_from([0, 1, 3, 20])),
        draw(st.sampled_from([0, 1, 2, 9, 100])),
        inputs * groups,
        outputs * groups,
        draw(st.integers(1, 5)),
        groups,
    )
    ends = st.integers(0, 9)
    return sizes, Taps(draw(ends), draw(ends), draw(st.integers(1, 4)), draw(st.integers(1, 5)))


@for_all(
    40,
    problem=problems(),
    dtype=st.sampled_from(list(TOLERANCES)),
    ways=st.tuples(st.sampled_from(fl.available_isas()), st.sampled_from([1, 2, 3, 5])),
    forms=st.tuples(anything, anything, anything, anything, dense_last),
)
def test_anywhere_in_memory(
    problem: tuple[Sizes, Taps], dtype: str, ways: tuple[str, int], forms: tuple[str, ...]
) -> None:
    """On any number of threads, with arrays of any strides: the same bits, and those of the reference but rounding."""
    x, kernel, bias, dy = arrays = arrays_of(*problem, dtype)
    with running(ways[0], 1):
        wanted = forward(*problem, x, kernel, bias), *gradients(*problem, x, dy)
    close(wanted[0], reference.convolution(x, kernel, bias, problem[1], problem[0].groups), dtype)
    x, kernel, bias, dy = (arranged(a, form) for a, form in zip(arrays, forms, strict=False))
    with running(*ways):
        out = room_for(wanted[0], forms[4])
        assert forward(*problem, x, kernel, bias, out) is out
        got = out, *gradients(*problem, x, dy)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_out_may_share_memory_with_x() -> None:
    sizes, taps = Sizes(2, 50, 4, 4, 3), Taps(2)
    x, kernel, bias, _ = arrays_of(sizes, taps, "float32")
    wanted = forward(sizes, taps, x, kernel, bias)
    forward(sizes, taps, x, kernel, bias, x)
    np.testing.assert_array_equal(x, wanted)


def test_padding_is_zeros_not_nothing() -> None:
    """What is infinite under a tap stays in its own windows."""
    x = np.ones((1, 6, 1))
    x[0, 2] = np.inf
    y = _core.Convolution(np.ones((2, 1, 1)))(x, -1, 6)[0, :, 0]
    np.testing.assert_array_equal(y, [1, 2, np.inf, np.inf, 2, 2])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: _core.Convolution(draw(3, 4)), ValueError, r"kernel must have shape \(any, any, any\), got \(3, 4\)"),
        (
            lambda: _core.Convolution(draw(3, 0, 4)),
            ValueError,
            r"no size of 0 .* got shape \(3, 0, 4\)",
        ),
        (lambda: _core.Convolution(draw(3, 2, 4), groups=3), ValueError, "as many outputs for each of the groups"),
        (lambda: _core.Convolution(draw(3, 2, 4), draw(3)), ValueError, r"bias must have shape \(4,\), got \(3,\)"),
        (lambda: _core.Convolution(draw(3, 2, 4, dtype="float16")), TypeError, "kernel must have dtype float32"),
        (
            lambda: _core.Convolution(draw(3, 2, 4))(draw(1, 9, 3), 0, 7),
            ValueError,
            r"must have shape \(any, any, 2\)",
        ),
        (lambda: _core.Convolution(draw(3, 2, 4))(draw(1, 9, 2), 0, -1), ValueError, "count must be from 0"),
        (lambda: _core.Convolution(draw(3, 2, 4))(draw(1, 9, 2), 0, 1, 0), ValueError, "stride must be from 1"),
        (lambda: _core.Convolution(draw(3, 2, 4))(draw(1, 9, 2), 0, 1, 1, 0), ValueError, "dilation must be from 1"),
        (
            lambda: _core.Convolution(draw(3, 2, 4))(draw(1, 9, 2), 2**41, 1),
            ValueError,
            r"first must be .* 2\*\*40",
        ),
        (lambda: _core.convolution_gradients(draw(1, 9, 3), draw(1, 7, 4), 3, 0, groups=2), ValueError, "must divide"),
        (lambda: _core.convolution_gradients(draw(1, 9, 2), draw(2, 7, 4), 3, 0), ValueError, "dy must have shape"),
    ],
)
def test_wrong_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
