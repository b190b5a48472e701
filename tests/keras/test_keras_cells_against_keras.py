"""Recurrent layers with activations that the compiled core does not have, side by side with real Keras."""

import copy

import numpy as np
import pytest

from fastlstm import keras as ours
from fastlstm.keras.foundation.random import generator
from fastlstm.keras.layers.regularization.dropout import dropout_mask

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")

FLOAT32 = 2e-5  # float32 sums through six steps, some of which grow
CURVE = 1e-4  # the loss after three epochs of float32 training by two implementations
DRAWN = 20

N, T, I, H = 12, 6, 3, 4
X = np.random.default_rng(0).normal(size=(N, T, I)).astype(np.float32)
MASK = np.random.default_rng(1).random((N, T)) < 0.7
MASK[0] = False
TARGETS = np.random.default_rng(2).normal(size=(N, 2)).astype(np.float32)


def wave(keras):
    def wave(x):
        return keras.ops.sin(x) * 0.5

    return wave


ACTIVATIONS = {
    "gelu": lambda k: "gelu",
    "softmax": lambda k: k.activations.softmax,
    "log_softmax": lambda k: "log_softmax",
    "mish": lambda k: k.activations.mish,
    "hard_tanh": lambda k: "hard_tanh",
    "layer": lambda k: k.layers.LeakyReLU(negative_slope=0.1),
    "function": wave,
    "tanh": lambda k: "tanh",
}
GATES = {
    "hard_silu": lambda k: "hard_silu",
    "sparse_sigmoid": lambda k: "sparse_sigmoid",
    "sigmoid": lambda k: "sigmoid",
}


def drawn(number):
    """Draw what makes a layer, and what of it may be asked for."""
    rng = np.random.default_rng(number)
    kind = ("LSTM", "GRU", "SimpleRNN")[number % 3]
    activation, gate = (list(table)[rng.integers(len(table))] for table in (ACTIVATIONS, GATES))
    switches = ("return_sequences", "go_backwards", "return_state", "zero_output_for_mask", "use_bias")
    options = {name: bool(rng.integers(2)) for name in switches}
    if kind == "LSTM":
        options["unit_forget_bias"] = bool(rng.integers(2))
    if kind == "GRU":
        options["reset_after"] = bool(rng.integers(2))
    wrap = rng.integers(3) == 0
    options["go_backwards"] = options["go_backwards"] and not wrap
    return kind, activation, gate, options, wrap, bool(rng.integers(2))


def made(keras, number):
    kind, activation, gate, options, wrap, _ = drawn(number)
    gates = {} if kind == "SimpleRNN" else {"recurrent_activation": GATES[gate](keras)}
    scope = keras.saving.custom_object_scope({"wave": wave(keras)})
    with scope:
        layer = getattr(keras.layers, kind)(H, name="r", activation=ACTIVATIONS[activation](keras), **gates, **options)
        return filled(keras.layers.Bidirectional(layer) if wrap else layer, X, number)


def filled(layer, x, number):
    """Build a layer for an input, with weights that depend on the number alone."""
    layer.build((None, *x.shape[1:]))
    rng = np.random.default_rng(number)
    layer.set_weights([rng.normal(size=w.shape).astype(np.float32) * 0.4 for w in layer.get_weights()])
    return layer


def check_alike(layer, other, x, mask):
    """Compare names and shapes of weights, and what comes out."""
    names = [[v.path.partition("/")[2] for v in each.weights] for each in (layer, other)]
    assert names[0] == names[1]
    assert [v.shape for v in layer.weights] == [tuple(v.shape) for v in other.weights]
    for a, b in zip(arrays(layer(x, mask=mask)), arrays(other(x, mask=mask)), strict=True):
        np.testing.assert_allclose(a, b, rtol=FLOAT32, atol=FLOAT32)


def arrays(result):
    return [np.asarray(part) for part in (result if isinstance(result, list | tuple) else [result])]


@pytest.mark.parametrize("number", range(DRAWN))
def test_outputs_and_states(number):
    check_alike(made(ours, number), made(theirs, number), X, MASK if drawn(number)[-1] else None)


@pytest.mark.parametrize("number", range(DRAWN))
def test_training(number):
    masked = drawn(number)[-1]
    x = np.where(MASK[..., None], X, np.float32(0)) if masked else X
    curves = []
    for k in (ours, theirs):
        recurrent = made(k, number)
        inputs = k.Input((T, I))
        y = recurrent(k.layers.Masking()(inputs) if masked else inputs)
        y = y[0] if isinstance(y, list | tuple) else y
        if len(y.shape) == 3:
            y = k.layers.LSTM(3, activation="gelu", name="top")(y)
        model = k.Model(inputs, k.layers.Dense(2)(y))
        rng = np.random.default_rng(number)
        model.set_weights([rng.normal(size=w.shape).astype(np.float32) * 0.4 for w in model.get_weights()])
        model.compile("sgd", "mse")
        history = model.fit(x, TARGETS, batch_size=5, epochs=3, shuffle=False, verbose=0).history["loss"]
        curves.append((history, model.get_weights()))
    (history, weights), (wanted, wanted_weights) = curves
    np.testing.assert_allclose(history, wanted, rtol=CURVE, atol=CURVE)
    for a, b in zip(weights, wanted_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=CURVE, atol=CURVE)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("name", ["gelu", "log_softmax", "layer"])
def test_configs_go_both_ways(kind, name):
    layer, other = (getattr(k.layers, kind)(H, activation=ACTIVATIONS[name](k), name="r") for k in (ours, theirs))
    configs = [each.get_config() for each in (layer, other)]
    for config in configs:
        for key in ("name", "shared_object_id"):
            config["activation"].get("config", config["activation"]).pop(key, None) if name == "layer" else None
    assert configs[0]["activation"] == configs[1]["activation"]
    for k, config in ((ours, other.get_config()), (theirs, layer.get_config())):
        assert getattr(k.layers, kind).from_config(config).get_config()["units"] == H


def test_stateful_batches():
    outputs = []
    for k in (ours, theirs):
        layer = k.layers.GRU(H, activation="gelu", stateful=True, return_sequences=True)
        layer(X)
        rng = np.random.default_rng(0)
        layer.set_weights([rng.normal(size=w.shape).astype(np.float32) * 0.4 for w in layer.get_weights()])
        layer.reset_state()
        outputs.append([np.asarray(layer(X[:, :3])), np.asarray(layer(X[:, 3:]))])
    for a, b in zip(*outputs, strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


ROWS = np.random.default_rng(4).normal(size=(N, T, 7, I)).astype(np.float32)


def drawn_convolution(number):
    """Draw what makes a ConvLSTM1D, whether it is in a Bidirectional, and whether there is a mask."""
    rng = np.random.default_rng(number)
    switches = ("return_sequences", "return_state", "use_bias", "unit_forget_bias")
    options = {name: bool(rng.integers(2)) for name in switches}
    stride = int(rng.integers(1, 3))
    options |= {
        "filters": 2,
        "kernel_size": int(rng.integers(1, 4)),
        "strides": stride,
        "dilation_rate": int(rng.integers(1, 3)) if stride == 1 else 1,
        "padding": ("valid", "same")[rng.integers(2)],
        "activation": ("tanh", "gelu", "softmax")[rng.integers(3)],
        "recurrent_activation": ("sigmoid", "sparse_sigmoid")[rng.integers(2)],
    }
    wrap = rng.integers(3) == 0
    options["go_backwards"] = bool(rng.integers(2)) and not wrap
    return options, wrap, bool(rng.integers(2))


def made_convolution(keras, number):
    options, wrap, _ = drawn_convolution(number)
    layer = keras.layers.ConvLSTM1D(**options, name="r")
    return filled(keras.layers.Bidirectional(layer) if wrap else layer, ROWS, number)


@pytest.mark.parametrize("number", range(DRAWN))
def test_convolutional_cells(number):
    mask = MASK if drawn_convolution(number)[-1] else None
    check_alike(made_convolution(ours, number), made_convolution(theirs, number), ROWS, mask)


@pytest.mark.parametrize("number", range(0, DRAWN, 2))
def test_training_of_convolutional_cells(number):
    curves = []
    for k in (ours, theirs):
        recurrent = made_convolution(k, number)
        inputs = k.Input(ROWS.shape[1:])
        y = recurrent(inputs)
        y = y[0] if isinstance(y, list | tuple) else y
        model = k.Model(inputs, k.layers.Dense(2)(k.layers.Flatten()(y)))
        rng = np.random.default_rng(number)
        model.set_weights([rng.normal(size=w.shape).astype(np.float32) * 0.3 for w in model.get_weights()])
        model.compile("sgd", "mse")
        history = model.fit(ROWS, TARGETS, batch_size=5, epochs=3, shuffle=False, verbose=0).history["loss"]
        curves.append((history, model.get_weights()))
    (history, weights), (wanted, wanted_weights) = curves
    np.testing.assert_allclose(history, wanted, rtol=CURVE, atol=CURVE)
    for a, b in zip(weights, wanted_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=CURVE, atol=CURVE)


def test_recurrent_dropout_of_a_convolutional_cell():
    """Given the same masks; Keras keeps those of a batch in its cell."""
    layer, other = (k.layers.ConvLSTM1D(2, 3, recurrent_dropout=0.4, name="r") for k in (ours, theirs))
    for each in (layer, other):
        each.build((None, *ROWS.shape[1:]))
        rng = np.random.default_rng(1)
        each.set_weights([rng.normal(size=w.shape).astype(np.float32) * 0.4 for w in each.get_weights()])
    source = copy.deepcopy(generator("noise"))
    masks = dropout_mask(source, (4, N, 5 * 2), 0.4, layer.dtype)
    other.cell._recurrent_dropout_mask = list(masks.reshape(4, N, 5, 2))
    wanted = np.asarray(other(ROWS, training=True))
    np.testing.assert_allclose(layer(ROWS, training=True), wanted, atol=FLOAT32)


def test_the_config_of_a_convolutional_layer_is_that_of_keras():
    layer, other = (k.layers.ConvLSTM1D(2, 3, name="r") for k in (ours, theirs))
    wanted, found = other.get_config(), layer.get_config()
    assert {key: found.get(key) for key in wanted} == wanted
    assert theirs.layers.ConvLSTM1D.from_config(found).get_config() == wanted
    assert ours.layers.ConvLSTM1D.from_config(wanted).get_config() == found
    assert ours.layers.ConvLSTM1D(2, 3).name.partition("_1")[0] == "conv_lstm1d"
