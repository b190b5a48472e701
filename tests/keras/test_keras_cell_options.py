"""Activations and recurrent dropout of the cells, against their equations in NumPy."""

import copy
import json

import numpy as np
import pytest

from fastlstm.keras import activations, layers, saving
from fastlstm.keras.layers.regularization.dropout import dropout_mask

GRADIENT = 1e-7  # central differences in float64 are good to about 1e-9 relative; values here are of order one
ROUNDING = 1e-12  # float64 with activations good to a few ULP over a few steps, some of them growing

N, T, I, H = 3, 4, 2, 3
X = np.random.default_rng(0).normal(size=(N, T, I))
CORE = sorted(activations.CORE)
SHAPED = ("sparsemax", "swish", "hard_swish")  # has corners everywhere; other names of two
NAMES = [*CORE, *sorted(name for name in activations.KNOWN if name not in (*CORE, *SHAPED))]


def lstm(layer, masks):
    kernel, recurrent, bias = layer.get_weights()
    gate, act = layer.recurrent_activation, layer.activation
    h = c = np.zeros((N, H))
    for t in range(T):
        blocks = [slice(k * H, (k + 1) * H) for k in range(4)]
        i, f, g, o = (X[:, t] @ kernel[:, b] + (h * masks[k]) @ recurrent[:, b] + bias[b] for k, b in enumerate(blocks))
        c = gate(f) * c + gate(i) * act(g)
        h = gate(o) * act(c)
    return h


def gru(layer, masks):
    """Columns z, r, n; masks in the core's order r, z, n."""
    kernel, recurrent, bias = layer.get_weights()
    bias, recurrent_bias = bias if layer.reset_after else (bias, np.zeros(3 * H))
    gate, act = layer.recurrent_activation, layer.activation
    r_mask, z_mask, n_mask = masks
    z_, r_, n_ = (slice(k * H, (k + 1) * H) for k in range(3))
    h = np.zeros((N, H))
    for t in range(T):
        a = X[:, t] @ kernel + bias
        z = gate(a[:, z_] + (h * z_mask) @ recurrent[:, z_] + recurrent_bias[z_])
        r = gate(a[:, r_] + (h * r_mask) @ recurrent[:, r_] + recurrent_bias[r_])
        if layer.reset_after:
            inner = r * ((h * n_mask) @ recurrent[:, n_] + recurrent_bias[n_])
        else:
            inner = (r * h * n_mask) @ recurrent[:, n_]
        h = z * h + (1 - z) * act(a[:, n_] + inner)
    return h


def rnn(layer, masks):
    kernel, recurrent, bias = layer.get_weights()
    h = np.zeros((N, H))
    for t in range(T):
        h = layer.activation(X[:, t] @ kernel + (h * masks[0]) @ recurrent + bias)
    return h


KINDS = {
    "lstm": (layers.LSTM, {}, 4, lstm),
    "gru": (layers.GRU, {}, 3, gru),
    "gru_before": (layers.GRU, {"reset_after": False}, 3, gru),
    "rnn": (layers.SimpleRNN, {}, 1, rnn),
}


def make(kind, **options):
    cls, own, gates, equations = KINDS[kind]
    layer = cls(H, bias_initializer="normal", dtype="float64", **own, **options)
    layer.build((None, T, I))
    layer.set_weights([0.5 * weights for weights in layer.get_weights()])  # keeps the exponential within bounds
    return layer, gates, equations


def check_gradients(layer, value, pullback, dy, central_differences):
    dx, gradients = pullback(dy)
    np.testing.assert_allclose(dx, central_differences(lambda v: float((value(v) * dy).sum()), X), atol=GRADIENT)
    for variable, gradient in zip(layer.weights, gradients, strict=True):
        start = variable.numpy()

        def loss(v, variable=variable):
            variable.assign(v)
            return float((value(X) * dy).sum())

        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_activations(kind, name, central_differences):
    options = {"activation": name}
    if kind != "rnn":
        options["recurrent_activation"] = NAMES[NAMES.index(name) - 1]
    layer, gates, equations = make(kind, **options)
    y = layer(X)
    np.testing.assert_allclose(y, equations(layer, np.ones(gates)), rtol=ROUNDING, atol=ROUNDING)
    out, pullback = layer.vjp(X)
    np.testing.assert_array_equal(out, y)
    dy = np.random.default_rng(3).normal(size=y.shape)
    check_gradients(layer, layer, pullback, dy, central_differences)


@pytest.mark.parametrize("kind", KINDS)
def test_no_activation_is_linear(kind):
    layer, gates, equations = make(kind, activation=None)
    assert layer.activation is activations.linear
    np.testing.assert_allclose(layer(X), equations(layer, np.ones(gates)), rtol=ROUNDING, atol=ROUNDING)
    assert type(layer).from_config(layer.get_config()).activation is activations.linear


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_is_the_standard_cell(kind):
    layer, _, _ = make(kind)
    assert layer.cell.core_activations is None
    assert layer.cell.frozen().cell == {"gru_before": "gru_reset_before", "rnn": "rnn_tanh"}.get(kind, kind)


CUBE = activations.ActivationFunction("tanh", lambda x: x**3, lambda dy, x, y: 3 * x**2 * dy)


@pytest.mark.parametrize("function", [CUBE, layers.LeakyReLU(0.1, dtype="float64")], ids=["function", "layer"])
@pytest.mark.parametrize("kind", KINDS)
def test_functions_of_ones_own_and_layers(kind, function, central_differences):
    """A function keeps its meaning under a name that the core knows, too."""
    layer, gates, equations = make(kind, activation=function)
    y = layer(X)
    np.testing.assert_allclose(y, equations(layer, np.ones(gates)), rtol=ROUNDING, atol=ROUNDING)
    dy = np.random.default_rng(3).normal(size=y.shape)
    check_gradients(layer, layer, layer.vjp(X)[1], dy, central_differences)


def test_a_cell_takes_a_single_step_with_any_activation():
    cell = layers.LSTMCell(H, activation="mish")
    output, (h, c) = cell(X[:, 0], cell.get_initial_state(N))
    np.testing.assert_array_equal(output, h)
    np.testing.assert_array_equal(layers.RNN(cell)(X[:, :1]), output)
    assert c.shape == (N, H)


def test_an_activation_that_changes_the_shape_is_refused():
    with pytest.raises(ValueError, match=r"activation glu: .* must have shape \(3, 4\), got \(3, 2\)"):
        layers.SimpleRNN(4, activation=activations.glu)(X)


def test_an_activation_with_weights_is_refused():
    with pytest.raises(ValueError, match=r"activation must be without weights, got <PReLU .*; put this layer behind"):
        layers.LSTM(2, activation=layers.PReLU())(X)


def ones_own(x):
    return 0.5 * x


@pytest.mark.parametrize("given", ["gelu", layers.LeakyReLU(0.3), ones_own], ids=["name", "layer", "function"])
def test_configs_say_the_activation(given):
    layer = layers.GRU(2, activation=given)
    with saving.custom_object_scope({"ones_own": ones_own}):
        again = layers.GRU.from_config(json.loads(json.dumps(layer.get_config())))
    assert again.get_config() == layer.get_config()
    layer.build((None, T, I))
    again.build((None, T, I))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(X), layer(X))


def relu(x):
    """Not what `activations.relu` is."""
    return -x


def test_a_copy_has_the_function_of_the_layer_even_under_a_known_name():
    both = layers.Bidirectional(layers.SimpleRNN(2, activation=relu))
    both.build((None, T, I))
    for layer in (both.forward_layer, both.backward_layer):
        assert layer.activation.function is relu


@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_dropout(kind, central_differences):
    layer, gates, equations = make(kind, recurrent_dropout=0.4, seed=5)
    before = copy.deepcopy(layer.cell._generator)
    masks = dropout_mask(copy.deepcopy(before), (gates, N, H), 0.4, np.dtype("float64"))
    assert (masks == 0).any()
    assert (masks > 1).any()
    np.testing.assert_allclose(layer(X), equations(layer, np.ones(gates)), rtol=ROUNDING, atol=ROUNDING)
    y = layer(X, training=True)
    np.testing.assert_allclose(y, equations(layer, masks), rtol=ROUNDING, atol=ROUNDING)
    assert not np.array_equal(layer(X, training=True), y)

    def value(v):
        layer.cell._generator = copy.deepcopy(before)
        return layer(v, training=True)

    layer.cell._generator = copy.deepcopy(before)
    out, pullback = layer.vjp(X)
    np.testing.assert_array_equal(out, y)
    check_gradients(layer, value, pullback, np.random.default_rng(3).normal(size=y.shape), central_differences)


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_rates_of_nothing_and_of_all_drop_nothing(kind, rate):
    layer, _, _ = make(kind, dropout=rate, recurrent_dropout=rate)
    np.testing.assert_array_equal(layer(X, training=True), layer(X))


def test_recurrent_dropout_in_a_stack():
    cells = [layers.GRUCell(H, recurrent_dropout=0.5, seed=1), layers.LSTMCell(H)]
    layer = layers.RNN(cells, return_sequences=True)
    y = layer(X)
    dropped = layer(X, training=True)
    # The first step starts from zeros: nothing to drop.
    np.testing.assert_allclose(dropped[:, 0], y[:, 0], atol=1e-6)  # float32, of order one, one step
    assert np.abs(dropped[:, 1] - y[:, 1]).max() > 1e-4
