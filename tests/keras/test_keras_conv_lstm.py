"""Convolutional LSTM: against its equations made of convolutions, its gradients, options and errors."""

import json

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, activations, layers
from fastlstm.keras.layers.call import Call

GRADIENT = 1e-7  # central differences in float64 are good to about 1e-9 relative; values here are of order one
ROUNDING = 1e-12  # float64 over a few steps

N, T, P, C, F = 2, 3, 5, 2, 2
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, T, P, C))
MASK = np.array([[True, False, True], [False, True, False]])

OPTIONS = [
    {},
    {"padding": "same", "return_sequences": True},
    {"kernel_size": 2, "strides": 2, "padding": "same", "return_state": True},
    {"dilation_rate": 2, "use_bias": False, "go_backwards": True},
    {"activation": "gelu", "recurrent_activation": "hard_silu", "return_sequences": True, "zero_output_for_mask": True},
]


def make(**options):
    layer = layers.ConvLSTM1D(F, **{"kernel_size": 3, "dtype": "float64"} | options)
    layer.build((None, *X.shape[1:]))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) * 0.5 for w in layer.get_weights()])
    return layer


def convolution(kernel, bias, **options):
    outputs = kernel.shape[-1]
    layer = layers.Conv1D(outputs, len(kernel), use_bias=bias is not None, dtype="float64", **options)
    layer.build((None, None, kernel.shape[1]))
    layer.set_weights([kernel] if bias is None else [kernel, bias])
    return layer


def by_hand(layer):
    kernel, recurrent, *bias = layer.get_weights()
    names = ("strides", "padding", "dilation_rate")
    inputs = convolution(kernel, (*bias, None)[0], **{name: getattr(layer, name) for name in names})
    states = convolution(recurrent, None, padding="same")
    h = c = np.zeros((N, *inputs(X[:, 0]).shape[1:2], F))
    outputs = []
    for t in range(T)[:: -1 if layer.go_backwards else 1]:
        i, f, g, o = np.split(inputs(X[:, t]) + states(h), 4, axis=-1)
        gate, act = layer.recurrent_activation, layer.activation
        c = gate(f) * c + gate(i) * act(g)
        h = gate(o) * act(c)
        outputs.append(h)
    y = np.stack(outputs, axis=1) if layer.return_sequences else h
    return [y, h, c] if layer.return_state else [y]


def listed(y):
    return list(y) if isinstance(y, list) else [y]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_equations(options):
    layer = make(**options)
    y = listed(layer(X))
    shape = layer.compute_output_shape((N, *X.shape[1:]))
    assert [part.shape for part in y] == (shape if layer.return_state else [shape])
    for got, wanted in zip(y, by_hand(layer), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_gradients(options, masked, central_differences):
    layer = make(**options)
    mask = MASK if masked else None
    y, pullback = layer.vjp(X, Call(training=True, mask=mask))
    slopes = [np.random.default_rng(k).normal(size=part.shape) for k, part in enumerate(listed(y))]

    def value(x):
        return float(sum((part * d).sum() for part, d in zip(listed(layer(x, mask=mask)), slopes, strict=True)))

    dx, gradients = pullback(slopes if layer.return_state else slopes[0])
    np.testing.assert_allclose(dx, central_differences(value, X), atol=GRADIENT)
    for variable, gradient in zip(layer.weights, gradients, strict=True):
        start = variable.numpy()

        def loss(v, variable=variable):
            variable.assign(v)
            return value(X)

        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


def test_states_go_in_and_come_out(central_differences):
    layer = make(padding="same", return_state=True)
    start = [RNG.normal(size=(N, P, F)) for _ in range(2)]
    whole = layer(X, initial_state=start)
    first = layer(X[:, :2], initial_state=start)
    for got, wanted in zip(layer(X[:, 2:], initial_state=first[1:]), whole, strict=True):
        np.testing.assert_array_equal(got, wanted)
    y, pullback = layer.vjp([X, *start])
    (_, dh, dc), _ = pullback([np.ones_like(part) for part in y])

    def value(states):
        return float(sum(part.sum() for part in layer(X, initial_state=states)))

    np.testing.assert_allclose(dh, central_differences(lambda v: value([v, start[1]]), start[0]), atol=GRADIENT)
    np.testing.assert_allclose(dc, central_differences(lambda v: value([start[0], v]), start[1]), atol=GRADIENT)
    with pytest.raises(ValueError, match=r"initial_state must have shape \(2, 5, 2\), got \(2, 10\)"):
        layer(X, initial_state=[part.reshape(N, -1) for part in start])
    with pytest.raises(ValueError, match="initial_state must be a list of 2 arrays"):
        layer(X, initial_state=start[0])


def test_stateful_batches_go_on():
    layer, whole = make(stateful=True), make()
    layer(X[:, :2])
    np.testing.assert_array_equal(layer(X[:, 2:]), whole(X))
    assert layer.states[0].shape == (N, 3, F)
    layer.reset_state()
    np.testing.assert_array_equal(layer(X), whole(X))


def test_dropout_needs_training():
    layer = make(dropout=0.5, recurrent_dropout=0.5, seed=1, padding="same")
    plain = make(padding="same")
    np.testing.assert_array_equal(layer(X), plain(X))
    assert not np.array_equal(layer(X, training=True), layer(X))


def test_in_a_model():
    """Masks, both directions, layers at every step, and a config of the whole."""
    model = Sequential(
        [
            Input((T, P, C)),
            layers.Bidirectional(layers.ConvLSTM1D(F, 3, padding="same", return_sequences=True, activation="mish")),
            layers.TimeDistributed(layers.GlobalAveragePooling1D()),
            layers.LSTM(3, activation="softmax"),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    losses = model.fit(X, X[:, 0, 0, :1], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    again = Sequential.from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_config_makes_the_same_layer():
    layer = layers.ConvLSTM1D(4, (3,), strides=2, padding="SAME", activation="gelu", unit_forget_bias=False, seed=3)
    config = json.loads(json.dumps(layer.get_config()))
    assert "units" not in config
    assert layers.ConvLSTM1D.from_config(config).get_config() == layer.get_config()
    assert layer.activation is activations.gelu


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: layers.ConvLSTM1D(2, 3, padding="causal"),
            ValueError,
            "padding must be 'valid' or 'same', got 'causal'",
        ),
        (
            lambda: layers.ConvLSTM1D(2, 3, strides=2, dilation_rate=2),
            ValueError,
            "strides must be 1 where dilation_rate",
        ),
        (lambda: layers.ConvLSTM1D(2, (3, 3)), ValueError, "kernel_size must be a whole number, or a tuple of one"),
        (lambda: layers.ConvLSTM1D(2, 3, data_format="channels_first"), NotImplementedError, "put a Permute in front"),
        (
            lambda: layers.ConvLSTM1D(2, 3).build((None, 4, None, 2)),
            ValueError,
            "must have known numbers of positions and features",
        ),
        (lambda: layers.ConvLSTM1D(2, 9)(X), ValueError, "have at least the 9 time steps of a window, got 5"),
        (lambda: layers.ConvLSTM1D(2, 3)(X[0]), ValueError, r"have 4 axes \(batch, time, positions, features\)"),
        (lambda: make()(X[:, :, :4]), ValueError, r"must have shape \(None, None, 5, 2\), got \(2, 3, 4, 2\)"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
