"""Weights as arrays: read-only, so that nothing derived from them goes stale, and nobody else's."""

import copy
import pickle

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, initializers, layers

X = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)


def make():
    net = Sequential([Input((5, 2)), layers.LSTM(4, kernel_constraint="max_norm"), layers.Dense(1)])
    net.compile("sgd", "mse")
    return net


def trained(net):
    net.train_on_batch(X, np.ones((3, 1)))
    return net


def reset(net):
    net.set_weights(net.get_weights())
    return net


AFTER = {
    "start": lambda net: net,
    "training": trained,
    "set_weights": reset,
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(trained(net))),
}


@pytest.mark.parametrize("name", AFTER)
def test_weights_cannot_be_changed_in_place(name):
    """What a layer packed from them would not see it."""
    net = AFTER[name](make())
    for variable in net.weights:
        with pytest.raises(ValueError, match="read-only"):
            variable.value[...] = 0
        copied = variable.numpy()
        copied[...] = 0  # a copy is the caller's own
    assert all(np.isfinite(w).all() for w in net.get_weights())


def test_a_value_that_is_set_is_a_copy_and_is_used():
    net = make()
    kernel = np.zeros((2, 16))
    net.layers[0].kernel.value = kernel
    wanted = net.predict(X, verbose=0)
    np.testing.assert_array_equal(net.predict(-X, verbose=0), wanted)
    kernel[...] = 1
    np.testing.assert_array_equal(net.predict(X, verbose=0), wanted)
    with pytest.raises(ValueError, match=r"kernel must have shape \(2, 16\), got \(3,\)"):
        net.layers[0].kernel.value = np.zeros(3)


class Given(initializers.Initializer):
    """An initializer of a user's own, that gives an array it keeps."""

    def __init__(self, table):
        self.table = table

    def __call__(self, shape, dtype=None):
        return self.table


@pytest.mark.parametrize("kind", [initializers.Constant, Given])
def test_an_array_weights_start_from_stays_the_callers(kind):
    table = np.ones((2, 3))
    layer = layers.Dense(3, kernel_initializer=kind(table), dtype="float64")
    before = layer(np.ones((1, 2)))
    table[...] = 7
    np.testing.assert_array_equal(layer.get_weights()[0], 1)
    np.testing.assert_array_equal(layer(np.ones((1, 2))), before)
