"""Values that are no numbers, infinite, huge or tiny, anywhere in the inputs of any layer: what the reference gives.

A few entries of inputs, states, weights or gradients are put there. What belongs to a row of the batch is then that of
the reference in float64 and not finite in the same places, forward and backward, and other rows keep their bits.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from drawing import Arguments, Drawn, draw_layer, make_arguments
from helpers import Array
from hypothesis import strategies as st
from running import BY_ROW, assert_same, on, rows_of, train
from seeds import for_all
from test_every_value import by_reference, for_reference, steady
from tolerances import TOLERANCE

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy in the reference

SMALL = {"nan": np.nan, "tiny": 1e-40, "-0": -0.0}
"""What may stand in weights too: sums of huge ones lose the digits of others, as they may."""
VALUES = SMALL | {"inf": np.inf, "-inf": -np.inf, "huge": 1e15, "-huge": -1e15}
"""Products of the huge ones are still numbers of float32."""
RELU = {"activations": [("relu", 0, 0)]}
"""Options of a cell that is `rnn_relu` under another name."""
PLACES = ("x", "h_0", "c_0", "dy", "dh_n", "dc_n")


def with_some(arrays: dict[str, Array], values: dict[str, float], rng: Random) -> tuple[dict[str, Array], set[int]]:
    """Copies of arrays with some entries replaced, and the rows, by the last axis but one, that these are in."""
    found, rows = {name: array.copy() for name, array in arrays.items() if array is not None and array.size}, set[int]()
    for _ in range(rng.randint(1, 4) if found else 0):
        array = found[rng.choice([*found])]
        index = tuple(rng.randrange(size) for size in array.shape)
        array[index] = values[rng.choice([*values])]
        rows |= {*index[-2:-1]}
    return found, rows


def with_extremes(a: Arguments, rng: Random) -> tuple[Arguments, set[int]]:
    """Put some values into arrays; return also the rows of the batch that have them, all of them for weights."""
    if rng.random() < 0.2:
        weights, _ = with_some(a.weights, SMALL, rng)
        return replace(a, weights=a.weights | weights), {*range(a.drawn.sizes.N)}
    arrays, rows = with_some({name: getattr(a, name) for name in PLACES}, VALUES, rng)
    return replace(a, **arrays), rows


def scale_of_gradients(a: Arguments) -> Array:
    """What an error of the gradients of a row is held against at least, `(N, 1)`.

    The slope of a gate near its limit is nearly 0 and has the rounding errors of a number near 1: where tanh is 0.99994
    it is 1.2e-4, off by 1e-8. So a gradient that came through such slopes may be off by the last digits of what came
    in: 0.01 times the tolerance are six units of them.
    """
    largest = np.ones((a.drawn.sizes.N, 1))
    for incoming in (a.dy, a.dh_n, a.dc_n):
        if incoming is not None:
            magnitudes = np.where(np.isfinite(incoming), np.abs(incoming), 0)
            rows = magnitudes.max(axis=(*range(incoming.ndim - 2), -1), initial=0)
            largest = np.maximum(largest, 0.01 * rows[:, np.newaxis])
    return largest


def assert_rows_agree(
    got: Array, wanted: Array, tolerance: float, name: str, may_be_finite: bool, least: Array | float = 1.0
) -> None:
    """Not finite in the same places, and elsewhere within a tolerance of the largest number of the row."""
    broken = ~np.isfinite(wanted)
    if not may_be_finite:
        np.testing.assert_array_equal(~np.isfinite(got), broken, err_msg=name)
    assert np.isfinite(got[~broken]).all(), name
    wanted, got = np.where(broken, 0, wanted), np.where(broken, 0, got)
    rows = tuple(axis for axis in range(got.ndim) if axis != got.ndim - 2)
    off = np.abs(got - wanted) / np.maximum(np.abs(wanted).max(axis=rows, keepdims=True, initial=0.0), least)
    assert off.max(initial=0) <= tolerance, name


def check_extremes(drawn: Drawn, seed: int) -> None:
    plain = make_arguments(drawn)
    arguments, rows = with_extremes(plain, Random(seed))
    with on(drawn), np.errstate(all="ignore"):
        got, without = train(arguments), train(plain)
    wanted = by_reference(arguments)
    for name in (name for name in BY_ROW if name in got):
        tolerance = 4 * TOLERANCE[drawn.dtype, "gradient" if name.startswith("d") else "value"]  # see test_every_value
        # The kernel of relu leaves out what it is off for, where the reference multiplies it by zero.
        selects = name.startswith("d") and (drawn.cell == "rnn_relu" or drawn.options == RELU)
        least = scale_of_gradients(arguments) if name.startswith("d") else 1.0
        assert_rows_agree(got[name], wanted[name], tolerance, name, selects, least)
    others = [n for n in range(drawn.sizes.N) if n not in rows]
    assert_same(rows_of(got, others), rows_of(without, others))


@st.composite
def cases(draw: st.DrawFn) -> Drawn:
    while True:
        drawn = draw_layer(Random(draw(st.integers(0, 2**24 - 1))), False, 1)
        if steady(drawn):
            return for_reference(drawn)


@for_all(60, kept=(1, 727348488, 1397966101, 3157411098), drawn=cases(), seed=st.integers(0, 2**24 - 1))
def test_extremes(drawn: Drawn, seed: int) -> None:
    check_extremes(drawn, seed)
