"""The NumPy activations over all exponents, infinities and NaN: values and slopes, and no warning of NumPy's."""

import warnings

import numpy as np
import pytest
from exponents import assert_near, everywhere

from fastlstm.keras import activations
from fastlstm.reference.activations import read_activation

DTYPES = ["float32", "float64"]
NAMES = [*activations.CORE, "relu6"]


def reference(name, x):
    """Value and slope in float64."""
    if name == "relu6":
        return np.clip(x, 0, 6), np.where((x > 0) & (x < 6), 1.0, 0.0)
    function = read_activation(activations.CORE[name])
    return function(x), function.derivative(x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_every_function_everywhere(name, dtype):
    """A few roundings: NumPy's functions are good to one or two, and a slope of 1 - y^2 or y + 1 has twice those of y.

    So does `in_place`, and a slope is asked for with gradients of 1 and -2.
    """
    x, function = everywhere(dtype), activations.get(name)
    y = function(x)
    with np.errstate(over="ignore"):
        value, slope = reference(name, x.astype("float64"))
    assert y.dtype == dtype
    assert_near(y, value, 3)
    for dy in (1.0, -2.0):
        found = function.backward(np.full_like(x, dy), x, y)
        assert found.dtype == dtype
        with np.errstate(over="ignore"):
            wanted = dy * slope
        assert_near(found, wanted, 6)
    again = x.copy()
    function.bind(again)()
    np.testing.assert_array_equal(again, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*NAMES, "softmax"])
def test_nan_gives_nan(name, dtype):
    function, x = activations.get(name), np.full((2, 3), np.nan, dtype)
    y = function(x)
    assert np.isnan(y).all()
    if name != "linear":  # whose slope depends on nothing
        assert np.isnan(function.backward(np.ones_like(x), x, y)).all()


def test_gradients_that_are_not_finite():
    """Infinity times a slope of 0 is NaN, as in IEEE 754; nothing warns."""
    x, dy = np.array([-1e4, 2.0, 1e4, np.inf, -np.inf]), np.array([np.inf, np.nan, -np.inf, 0.0, np.inf])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in NAMES:
            function = activations.get(name)
            y = function(x)
            assert np.isnan(function.backward(dy, x, y)[1])


def test_softmax_of_infinities():
    """-infinity is a choice that cannot be; infinity, or none that can be, is no distribution."""
    softmax = activations.get("softmax")
    for dtype in DTYPES:
        x = np.array([[0, 0, -np.inf], [0, np.inf, 1], [-np.inf] * 3], dtype)
        y = softmax(x)
        np.testing.assert_array_equal(y, [[0.5, 0.5, 0], [np.nan] * 3, [np.nan] * 3])
        np.testing.assert_array_equal(softmax.backward(np.ones_like(x), x, y)[0], 0)
        extreme = np.array([[3e38, -3e38, 3e38], [-1e4, -1e4, 0.0]], dtype)
        np.testing.assert_array_equal(softmax(extreme), [[0.5, 0, 0.5], [0, 0, 1]])
        again = x.copy()
        softmax.bind(again)()
        np.testing.assert_array_equal(again, y)
