"""The stated accuracy of tanh and the sigmoid, asserted densely on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from fastlstm import _core


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


@pytest.mark.parametrize(("dtype", "bound", "limit"), [("float32", 4.0, 80), ("float64", 4.0, 700)])
def test_sigmoid(isa: str, dtype: str, bound: float, limit: float) -> None:
    x = dense_inputs(dtype, limit)
    wanted = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    assert ulp_error(_core.activation("sigmoid", x), wanted) <= bound


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 2e-35), ("float64", 1e-304)])
def test_sigmoid_far_below(isa: str, dtype: str, bound: float) -> None:
    x = np.array([-90, -1e3, -1e30, -np.inf] if dtype == "float32" else [-710, -1e4, -1e300, -np.inf], dtype)
    y = _core.activation("sigmoid", x)
    assert (y >= 0).all()
    assert (y <= bound).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [1, 3, 15, 16, 17, 33])
def test_special_values(isa: str, dtype: str, count: int) -> None:
    for name, low in (("tanh", -1.0), ("sigmoid", 0.0)):
        limits = _core.activation(name, np.array([-np.inf, np.inf] * count, dtype))
        np.testing.assert_allclose(limits, [low, 1.0] * count, rtol=2e-7, atol=2e-35)
        assert np.isnan(_core.activation(name, np.full(count, np.nan, dtype))).all()
    assert (_core.activation("tanh", np.zeros(count, dtype)) == 0).all()
    assert (_core.activation("sigmoid", np.zeros(count, dtype)) == 0.5).all()
