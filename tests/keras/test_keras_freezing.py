"""Weights and layers that training leaves alone, set at any time."""

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers

RNG = np.random.default_rng(0)


class Scaled(layers.Layer):
    """A layer with a call: a weight of its own, and a layer inside."""

    def build(self, input_shape):
        self.scale = self.add_weight((1,), "ones", name="scale")
        self.inner = layers.Dense(3)

    def call(self, x):
        return self.inner(x) * self.scale.value


FREEZING = {
    "lstm": lambda: layers.LSTM(3),
    "gru": lambda: layers.GRU(3, reset_after=False),
    "numpy": lambda: layers.GRU(3, activation="gelu"),
    "stack": lambda: layers.RNN([layers.LSTMCell(3), layers.SimpleRNNCell(2)]),
    "both": lambda: layers.Bidirectional(layers.SimpleRNN(2)),
    "batch": lambda: layers.BatchNormalization(),
    "convolution": lambda: layers.Conv1D(3, 2),
    "attention": lambda: layers.TimeDistributed(layers.EinsumDense("ab,bc->ac", 3, bias_axes="c")),
    "call": Scaled,
    "model": lambda: Sequential([layers.Dense(3), layers.LSTM(2)]),
}


def trained_and_not(model, x, y):
    """Which of the weights a step of training changes, and which it leaves alone."""
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    moved = [not np.array_equal(v.numpy(), old) for v, old in zip(model.weights, before, strict=True)]
    return [v for v, m in zip(model.weights, moved, strict=True) if m], [
        v for v, m in zip(model.weights, moved, strict=True) if not m
    ]


@pytest.mark.parametrize("name", FREEZING)
def test_a_weight_that_is_frozen_later_stays_and_may_be_freed(name):
    layer = FREEZING[name]()
    model = Sequential([Input((5, 3)), layer, layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = RNG.normal(size=(16, 5, 3)), RNG.normal(size=(16, 1))
    everything = model.trainable_variables
    assert trained_and_not(model, x, y)[1] == []
    for variable in layer.trainable_variables:
        variable.trainable = False
        assert model.trainable_variables == [v for v in everything if v is not variable]
        assert trained_and_not(model, x, y)[1] == [variable]
        variable.trainable = True
    layer.trainable = False
    fixed = trained_and_not(model, x, y)[1]
    assert [v for v in fixed if v in everything] == [v for v in everything if v in layer.weights]
    layer.trainable = True
    assert trained_and_not(model, x, y)[1] == []


def test_a_frozen_weight_inside_two_models():
    inner = Sequential([layers.Bidirectional(layers.LSTM(2))])
    middle = Sequential([inner, layers.Dense(2)])
    model = Sequential([Input((5, 3)), middle, layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = RNG.normal(size=(16, 5, 3)), RNG.normal(size=(16, 1))
    inner.layers[0].backward_layer.cell.bias.trainable = False
    assert [v.path.rpartition("/")[2] for v in trained_and_not(model, x, y)[1]] == ["bias"]
    inner.layers[0].forward_layer.trainable = False
    assert len(trained_and_not(model, x, y)[1]) == 4
