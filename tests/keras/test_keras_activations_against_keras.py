"""Activation functions side by side with real Keras, where it is installed: values, slopes, settings, names."""

import numpy as np
import pytest

from fastlstm import keras as ours

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

FLOAT32 = 5e-6  # float32 functions of numbers up to ten
X = (np.random.default_rng(2).normal(size=(6, 8)) * 3).astype("float32")  # no number is at a corner
NAMES = sorted({*ours.activations.KNOWN, "glu"} - {"hard_sigmoid_keras2", "sparsemax"})
SETTINGS = {
    "elu": lambda a, x: a.elu(x, 0.5),
    "relu": lambda a, x: a.relu(x, 0.1, 2.0, 0.5),
    "relu_bounded": lambda a, x: a.relu(x, max_value=6),
    "leaky_relu": lambda a, x: a.leaky_relu(x, 0.3),
    "softmax": lambda a, x: a.softmax(x, axis=0),
    "log_softmax": lambda a, x: a.log_softmax(x, 0),
    "glu": lambda a, x: a.glu(x, axis=0),
    "gelu": lambda a, x: a.gelu(x, approximate=True),
    "celu": lambda a, x: a.celu(x, 2.0),
    "squareplus": lambda a, x: a.squareplus(x, b=2),
    "hard_shrink": lambda a, x: a.hard_shrink(x, 1.0),
    "soft_shrink": lambda a, x: a.soft_shrink(x, threshold=1.0),
    "threshold": lambda a, x: a.threshold(x, 0.2, -1.0),
}


@pytest.mark.parametrize("name", NAMES)
def test_values_and_slopes(name):
    function, other = (getattr(k.activations, name) for k in (ours, theirs))
    given = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(given)
        wanted = other(given)
        dy = np.random.default_rng(3).normal(size=wanted.shape).astype("float32")
        total = tf.reduce_sum(wanted * dy)
    y = function(X)
    np.testing.assert_allclose(y, wanted, rtol=FLOAT32, atol=FLOAT32)
    np.testing.assert_allclose(function.backward(dy, X, y), tape.gradient(total, given), atol=2 * FLOAT32)


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name):
    got, wanted = (SETTINGS[name](k.activations, X) for k in (ours, theirs))
    np.testing.assert_allclose(got, wanted, rtol=FLOAT32, atol=FLOAT32)


def test_every_name_of_keras():
    # A threshold has no value by default, and half of an axis is not what a layer takes its output for.
    wanted = {*theirs.src.activations.ALL_OBJECTS_DICT} - {"threshold", "glu"}
    assert wanted <= ours.activations.KNOWN.keys()
    assert all(hasattr(ours.activations, name) for name in theirs.src.activations.ALL_OBJECTS_DICT)


def test_sparsemax():
    """Where one number has all; with more shares, what Keras gives does not sum to 1."""
    x = X * 10
    got, wanted = (np.asarray(k.activations.sparsemax(x)) for k in (ours, theirs))
    alone = (got > 0).sum(axis=1) == 1
    assert alone.sum() > 3
    np.testing.assert_allclose(got[alone], wanted[alone], atol=FLOAT32)
    np.testing.assert_allclose(ours.activations.sparsemax(X).sum(axis=1), 1, atol=FLOAT32)
