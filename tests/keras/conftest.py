"""Fixtures of the tests of the Keras surface."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers, utils
from fastlstm.keras.layers.call import TRAINING

Array = np.ndarray[Any, Any]


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Give every test the same draws and layer names, whatever ran before it."""
    utils.set_random_seed(7)
    utils.clear_session()


@pytest.fixture
def central_differences() -> Callable[[Callable[[Array], float], Array], Array]:
    """Give the derivative of a scalar function of a float64 array, by central differences."""

    def differences(function: Callable[[Array], float], x: Array) -> Array:
        # 1e-6 leaves an error near 1e-10 from both rounding (1e-16 / 1e-6) and curvature (1e-12).
        step, slope = 1e-6, np.empty_like(x)
        for index in np.ndindex(*x.shape):
            shift = np.zeros_like(x)
            shift[index] = step
            slope[index] = (function(x + shift) - function(x - shift)) / (2 * step)
        return slope

    return differences


@pytest.fixture
def data() -> tuple[Array, Array]:
    """70 sequences of 5 steps and 3 features, with one-hot labels of 4 classes."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(70, 5, 3)).astype(np.float32), np.eye(4, dtype=np.float32)[rng.integers(0, 4, 70)]


@pytest.fixture
def model() -> Sequential:
    """A compiled classifier for `data`."""
    net = Sequential([Input((5, 3)), layers.LSTM(6), layers.Dense(4, activation="softmax")])
    net.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return net


@pytest.fixture
def check_gradients(
    central_differences: Callable[[Callable[[Array], float], Array], Array],
) -> Callable[..., None]:
    """Compare a float64 layer's gradients of its input and its trainable weights with central differences."""

    def check(layer: layers.Layer, x: Array, **of_call: Any) -> None:
        call = TRAINING._replace(**of_call)
        layer.ensure_built((None, *x.shape[1:]))
        out, pullback = layer.vjp(x, call)
        np.testing.assert_array_equal(out, layer.forward(x, call))
        dy = np.random.default_rng(3).normal(size=out.shape)
        dx, gradients = pullback(dy)

        def value(v: Array) -> float:
            return float((layer.forward(v, call) * dy).sum())

        # Central differences in float64 are good to about 1e-9 relative; values here are of order one.
        np.testing.assert_allclose(dx, central_differences(value, x), atol=1e-7)
        for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
            start = variable.numpy()

            def loss(v: Array, variable: Any = variable) -> float:
                variable.assign(v)
                return value(x)

            wanted = central_differences(loss, start)
            np.testing.assert_allclose(gradient, wanted, atol=1e-7, err_msg=variable.path)
            variable.assign(start)

    return check
