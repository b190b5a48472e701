"""The stated accuracy of tanh and the sigmoid, asserted densely on every instruction set, and of every function of a
general cell over all exponents.
"""

from __future__ import annotations

import numpy as np
import pytest
from exponents import assert_near, everywhere, flushed
from numpy.typing import NDArray
from test_options import ACTIVATIONS

from fastlstm import _core
from fastlstm.reference.activations import read_activation


def dense_inputs(dtype: str, limit: float) -> NDArray[np.floating]:
    """A fine grid over the range that matters, and magnitudes down to the smallest normal number."""
    grid = np.linspace(-limit, limit, 1_000_001)
    small = np.geomspace(np.finfo(dtype).tiny * 4, 1, 200_001)
    return np.concatenate([grid, small, -small]).astype(dtype)


def ulp_error(got: NDArray[np.floating], wanted: NDArray[np.longdouble]) -> float:
    """Largest distance from the true value, in units of the last place of that value."""
    spacing = np.spacing(np.abs(wanted).astype(got.dtype)).astype(np.longdouble)
    return float(np.max(np.abs(got.astype(np.longdouble) - wanted) / spacing))


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 6.0), ("float64", 4.0)])
def test_tanh(isa: str, dtype: str, bound: float) -> None:
    x = dense_inputs(dtype, 25)
    assert ulp_error(_core.activation("tanh", x), np.tanh(x.astype(np.longdouble))) <= bound


def test_tanh_near_its_limits(isa: str) -> None:
    """There 1 - y^2 has twice the error of y; a tanh that is correctly rounded has one of 0.5 ULP, and 1.7e-8."""
    x = np.linspace(2, 9.02, 1_000_001).astype("float32")
    exact = np.tanh(x.astype(np.longdouble))
    y = _core.activation("tanh", x)
    assert ulp_error(y, exact) <= 2
    assert np.sqrt(np.mean((y - exact) ** 2)) <= 4e-8
    assert np.sqrt(np.mean((_core.general_activation("tanh", 0, 0, x)[0] - exact) ** 2)) <= 2e-8


@pytest.mark.parametrize(("dtype", "bound", "limit"), [("float32", 4.0, 80), ("float64", 4.0, 700)])
def test_sigmoid(isa: str, dtype: str, bound: float, limit: float) -> None:
    x = dense_inputs(dtype, limit)
    wanted = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    assert ulp_error(_core.activation("sigmoid", x), wanted) <= bound


# --- Everywhere -------------------------------------------------------------------------------------------------------

# Around the last place where the sigmoid is a normal number, where it rounds to 1, and where tanh does.
ENDS = {"float32": (-87.33, -87.4, 17.4, 9.02), "float64": (-708.39, -708.4, 37.5, 19.1)}
NAMES = list(ACTIVATIONS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_every_function_everywhere(isa: str, name: str, dtype: str) -> None:
    """Value and slope. Observed are 1.9 roundings, e^x, and 4.1, where 1 - y^2 doubles the error of y; they sum up both
    the kernel's and those of the parameters, which the dtype may not hold.
    """
    x, function = everywhere(dtype), read_activation((name, *ACTIVATIONS[name]))
    value, slope = _core.general_activation(name, *ACTIVATIONS[name], x)
    with np.errstate(over="ignore", under="ignore"):
        assert_near(value, function(flushed(x, dtype)), 3)
        assert_near(slope, function.derivative(flushed(x, dtype)), 6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 3, 15, 17])
def test_nan_gives_nan_in_the_slope_too(isa: str, count: int, name: str, dtype: str) -> None:
    for found in _core.general_activation(name, *ACTIVATIONS[name], np.full(count, np.nan, dtype)):
        assert np.isnan(found).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tanh_ends_at_one(isa: str, dtype: str) -> None:
    x, one = everywhere(dtype), ENDS[dtype][3]
    for y in (_core.activation("tanh", x), _core.general_activation("tanh", 0, 0, x)[0]):
        assert (np.abs(y) <= 1).all()
        np.testing.assert_array_equal(y[np.abs(x) >= one], np.sign(x[np.abs(x) >= one]))
    slope = _core.general_activation("tanh", 0, 0, x)[1]
    assert (slope >= 0).all()
    assert (slope[np.abs(x) >= one] == 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_ends_at_zero_and_one(isa: str, dtype: str) -> None:
    """Zero where the true value is subnormal, and to the last normal number as near as elsewhere."""
    normal, zero, one, _ = ENDS[dtype]
    x = np.concatenate([everywhere(dtype), np.linspace(zero - 1, normal, 10_001).astype(dtype)])
    for y in (_core.activation("sigmoid", x), _core.general_activation("sigmoid", 0, 0, x)[0]):
        assert (y[x < zero] == 0).all()
        assert (y[x >= one] == 1).all()
        inside = (x >= normal) & (x < one)
        exact = 1 / (1 + np.exp(-x[inside].astype(np.longdouble)))
        assert ulp_error(y[inside], exact) <= 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slope_of_sigmoid_to_its_ends(isa: str, dtype: str) -> None:
    """0 where the sigmoid is, and by the same distance above 0; to as many digits as elsewhere in between."""
    normal, zero, *_ = ENDS[dtype]
    last = {"float32": 86.9, "float64": 699.9}[dtype]
    x = np.concatenate([everywhere(dtype), np.linspace(-last, last, 20_001).astype(dtype)])
    slope = _core.general_activation("sigmoid", 0, 0, x)[1]
    assert (slope >= 0).all()
    assert (slope[(x < zero) | (x >= 1.02 * last)] == 0).all()
    inside = (x >= normal) & (x <= last)
    e = np.exp(-np.abs(x[inside].astype(np.longdouble)))
    assert ulp_error(slope[inside], e / (1 + e) ** 2) <= 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [1, 3, 15, 16, 17, 33])
def test_special_values(isa: str, dtype: str, count: int) -> None:
    for name, low in (("tanh", -1.0), ("sigmoid", 0.0)):
        limits = _core.activation(name, np.array([-np.inf, np.inf] * count, dtype))
        np.testing.assert_array_equal(limits, [low, 1.0] * count)
        assert np.isnan(_core.activation(name, np.full(count, np.nan, dtype))).all()
    assert (_core.activation("tanh", np.zeros(count, dtype)) == 0).all()
    assert (_core.activation("sigmoid", np.zeros(count, dtype)) == 0.5).all()
