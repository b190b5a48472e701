"""Conv1D: values by its reference, gradients, shapes, masks, streams."""

import copy

import numpy as np
import pytest

import fastlstm as fl
from fastlstm import reference
from fastlstm.keras import Input, Model, Sequential, layers
from fastlstm.keras.layers.call import TRAINING
from fastlstm.reference import Taps

X = np.random.default_rng(6).normal(size=(3, 7, 4))
MASK = np.random.default_rng(7).random((3, 7)) < 0.6

# Options, and where the windows lie for 7 steps.
LAYERS = {
    "valid": ({"kernel_size": 3}, Taps()),
    "one": ({"kernel_size": 1}, Taps()),
    "whole": ({"kernel_size": 7}, Taps()),
    "same": ({"kernel_size": 3, "padding": "same"}, Taps(1, 1)),
    "same_even": ({"kernel_size": 4, "padding": "same"}, Taps(1, 2)),
    "same_long": ({"kernel_size": 12, "padding": "same"}, Taps(5, 6)),
    "causal": ({"kernel_size": 3, "padding": "causal"}, Taps(2)),
    "causal_long": ({"kernel_size": 9, "padding": "causal"}, Taps(8)),
    "strides": ({"kernel_size": 3, "strides": 2}, Taps(stride=2)),
    "strides_same": ({"kernel_size": 4, "strides": 3, "padding": "SAME"}, Taps(1, 2, 3)),
    "strides_same_apart": ({"kernel_size": 2, "strides": 3, "padding": "same"}, Taps(0, 1, 3)),
    "strides_causal": ({"kernel_size": 2, "strides": 3, "padding": "causal"}, Taps(1, 0, 3)),
    "strides_apart": ({"kernel_size": 2, "strides": 5}, Taps(stride=5)),
    "strides_long": ({"kernel_size": 2, "strides": 9}, Taps(stride=9)),
    "dilation": ({"kernel_size": 3, "dilation_rate": 3}, Taps(dilation=3)),
    "dilation_same": ({"kernel_size": 3, "dilation_rate": 2, "padding": "same"}, Taps(2, 2, 1, 2)),
    "dilation_causal": ({"kernel_size": 2, "dilation_rate": 8, "padding": "causal"}, Taps(8, 0, 1, 8)),
    "groups": ({"kernel_size": 3, "groups": 2, "padding": "same"}, Taps(1, 1)),
    "groups_strides": ({"kernel_size": 3, "groups": 2, "strides": 2}, Taps(stride=2)),
    "no_bias": ({"kernel_size": 3, "use_bias": False}, Taps()),
    "activation": ({"kernel_size": 3, "activation": "tanh"}, Taps()),
}


def made(name, dtype="float64", filters=6):
    options, taps = LAYERS[name]
    layer = layers.Conv1D(filters, **options, dtype=dtype, bias_initializer="glorot_normal")
    layer.build((None, None, 4))
    return layer, taps


@pytest.mark.parametrize("name", LAYERS)
def test_values_gradients_and_shapes(name, check_gradients):
    layer, taps = made(name)
    y = layer(X)
    wanted = reference.convolution(X, *[*layer.get_weights(), None][:2], taps, layer.groups)
    # Sums of a few dozen products of order one.
    np.testing.assert_allclose(y, np.tanh(wanted) if layer.activation.name == "tanh" else wanted, rtol=0, atol=2e-14)
    assert layer.compute_output_shape(X.shape) == y.shape
    assert layer.compute_output_shape((None, None, 4)) == (None, None, 6)
    assert layer.compute_mask(X, MASK) is None
    check_gradients(layer, X)


def test_float32():
    layer, taps = made("same", "float32")
    x = X.astype("float32")
    y, pullback = layer.vjp(x)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(y, reference.convolution(x, kernel, bias, taps), rtol=0, atol=2e-6)
    gradients = reference.convolution_backward(y, x, kernel, taps)
    dx, found = pullback(y)
    for got, wanted in zip((dx, *found), gradients, strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)


def test_no_rows_and_no_steps():
    layer, _ = made("causal")
    for shape in ((0, 7, 4), (2, 0, 4)):
        x = np.zeros(shape)
        y, pullback = layer.vjp(x)
        assert y.shape == (*shape[:2], 6)
        dx, gradients = pullback(y)
        assert dx.shape == shape
        assert not any(gradient.any() for gradient in gradients)


def test_only_what_is_needed_is_computed():
    layer, _ = made("same")
    y, pullback = layer.vjp(X, TRAINING._replace(need_dx=False))
    assert pullback(y)[0] is None
    layer.trainable = False
    assert layer.vjp(X)[1](y)[1] == []


def test_the_input_stays():
    layer, _ = made("same")
    x = X.copy()
    layer.vjp(x)[1](layer(x))
    np.testing.assert_array_equal(x, X)


def test_a_softmax_may_be_the_loss_s():
    layer = layers.Conv1D(3, 2, activation="softmax", dtype="float64")
    assert layer.logits_activation == "softmax"
    logits = layers.Conv1D(3, 2, dtype="float64")
    layer(X), logits(X)
    logits.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer.vjp(X, TRAINING._replace(logits=True))[0], logits(X))


def test_config_makes_the_same_layer():
    layer = layers.Conv1D(
        6,
        (3,),
        padding="causal",
        dilation_rate=[2],
        groups=2,
        activation="relu",
        kernel_regularizer="l2",
        dtype="float64",
    )
    layer.build(X.shape)
    config = layer.get_config()
    assert (config["kernel_size"], config["strides"], config["dilation_rate"]) == ((3,), (1,), (2,))
    twin = layers.Conv1D.from_config(copy.deepcopy(config))
    assert twin.get_config() == config
    twin.build(X.shape)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(X), layer(X))
    assert layers.Convolution1D is layers.Conv1D


def test_a_model_trains():
    x = Input((7, 4))
    y = layers.Conv1D(8, 3, padding="same", activation="relu")(layers.Masking()(x))
    out = layers.Dense(1)(layers.GlobalMaxPooling1D()(layers.Conv1D(8, 3, strides=2)(y)))
    model = Model(x, out)
    model.compile("adam", "mse")
    losses = model.fit(X, np.ones(3), epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


# --- Transposed -------------------------------------------------------------------------------------------------------

TRANSPOSED = {
    "plain": {"kernel_size": 3},
    "one": {"kernel_size": 1},
    "strides": {"kernel_size": 5, "strides": 2},
    "strides_apart": {"kernel_size": 2, "strides": 3},
    "same": {"kernel_size": 4, "padding": "same"},
    "same_strides": {"kernel_size": 5, "strides": 2, "padding": "same"},
    "same_apart": {"kernel_size": 2, "strides": 3, "padding": "same", "activation": "tanh"},
    "dilation": {"kernel_size": 3, "dilation_rate": 2, "use_bias": False},
}


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_is_the_gradient_of_a_convolution(name, check_gradients):
    options = TRANSPOSED[name]
    layer = layers.Conv1DTranspose(6, **options, dtype="float64", bias_initializer="glorot_normal")
    y = layer(X)
    assert layer.compute_output_shape(X.shape) == y.shape
    assert layer.compute_output_shape((None, None, 4)) == (None, None, 6)
    given = {key: value for key, value in options.items() if key not in ("use_bias", "activation")}
    forward = layers.Conv1D(4, **given, use_bias=False, dtype="float64")
    assert forward.compute_output_shape(y.shape) == X.shape
    forward.build(y.shape)
    kernel, *bias = layer.get_weights()
    forward.set_weights([kernel])
    wanted = forward.vjp(y)[1](X)[0] + sum(bias)
    np.testing.assert_allclose(y, np.tanh(wanted) if "activation" in options else wanted, rtol=0, atol=1e-14)
    check_gradients(layer, X)


def test_transposed_may_have_no_steps_and_refuses_other_lengths():
    layer = layers.Conv1DTranspose(6, 3, dtype="float64")
    assert layer(np.zeros((2, 0, 4))).shape == (2, 0, 6)
    with pytest.raises(NotImplementedError, match="output_padding must be None, got 1; put a ZeroPadding1D"):
        layers.Conv1DTranspose(6, 3, 2, output_padding=1)
    with pytest.raises(ValueError, match="padding must be 'valid' or 'same', got 'causal'"):
        layers.Conv1DTranspose(6, 3, padding="causal")
    with pytest.raises(ValueError, match=r"must be a layer that can be streamed, .*, got a Conv1DTranspose"):
        layer.step_function()
    assert layers.Convolution1DTranspose is layers.Conv1DTranspose


# --- Streams ----------------------------------------------------------------------------------------------------------


def stacked(dtype="float32"):
    return Sequential(
        [
            Input((None, 4)),
            layers.Conv1D(5, 3, padding="causal", activation="relu", dtype=dtype),
            layers.LSTM(6, return_sequences=True, dtype=dtype),
            layers.Conv1D(4, 2, padding="causal", dilation_rate=4, groups=2, dtype=dtype),
            layers.Conv1D(3, 1, activation="softmax", dtype=dtype),
        ]
    )


LONG = np.random.default_rng(8).normal(size=(3, 30, 4)).astype("float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [1, 3])
def test_steps_have_the_bits_of_the_whole(rows, dtype):
    model = stacked(dtype)
    stream = model.stream(rows)
    y = np.stack([stream.step(x_t) for x_t in LONG[:rows].swapaxes(0, 1)], axis=1)
    np.testing.assert_array_equal(y, model.predict(LONG[:rows], verbose=0))


def test_states_of_a_stream():
    model = stacked()
    stream = model.stream(3)
    assert [state.shape for state in stream.state] == [(3, 2, 4), (3, 6), (3, 6), (3, 4, 6)]
    for t in range(11):
        stream.step(LONG[:, t])
    held, twin = stream.state, stream.copy()
    np.testing.assert_array_equal(held[0], LONG[:, 9:11])
    wanted = [stream.step(LONG[:, t]) for t in range(11, 30)]
    np.testing.assert_array_equal([twin.step(LONG[:, t]) for t in range(11, 30)], wanted)
    stream.state = held
    np.testing.assert_array_equal([stream.step(LONG[:, t]) for t in range(11, 30)], wanted)
    stream.reset()
    assert not any(state.any() for state in stream.state)
    first = model.stream(3).step(LONG[:, 0])
    np.testing.assert_array_equal(stream.step(LONG[:, 0]), first)


def test_a_state_that_does_not_fit_changes_nothing():
    stream = stacked().stream(3)
    stream.step(LONG[:, 0])
    before = stream.state
    wrong = [*before[:3], before[3][:, 1:]]
    with pytest.raises(ValueError, match=r"state: conv1d_1 inputs must have shape \(3, 4, 6\), got \(3, 3, 6\)"):
        stream.state = wrong
    with pytest.raises(
        ValueError, match="state must be a tuple of 4 arrays: conv1d inputs, lstm h, lstm c, conv1d_1 inputs, got 3"
    ):
        stream.state = before[:3]
    for a, b in zip(stream.state, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_streams_step_together():
    model = stacked()
    streams, alone = ([model.stream() for _ in range(3)] for _ in range(2))
    alone[1].step(LONG[1, 29])
    streams[1].step(LONG[1, 29])
    for t in range(20):
        together = fl.step_many(streams, LONG[:, t])
        np.testing.assert_array_equal(together, [stream.step(x) for stream, x in zip(alone, LONG[:, t], strict=True)])


@pytest.mark.parametrize(
    "options",
    [{"padding": "same"}, {"padding": "valid"}, {"padding": "causal", "strides": 2}, {"kernel_size": 1, "strides": 2}],
)
def test_what_sees_later_steps_cannot_be_streamed(options):
    model = Sequential([Input((None, 4)), layers.Conv1D(5, **{"kernel_size": 3, **options})])
    with pytest.raises(
        ValueError, match=r"conv1d must have padding='causal' and strides=1 to be streamed, .*, got padding="
    ):
        model.stream()


def test_a_convolution_within_a_step_cannot_be_streamed():
    inner = layers.Conv1D(5, 3, padding="causal")
    model = Sequential([Input((None, 7, 4)), layers.TimeDistributed(inner)])
    assert model.predict(X[None], verbose=0).shape == (1, 3, 7, 5)
    with pytest.raises(ValueError, match=r"must be a layer that can be streamed, .*, got a TimeDistributed"):
        model.stream()


ERRORS = {
    "axes": (
        lambda: layers.Conv1D(2, 3)(X[0]),
        ValueError,
        r"conv1d: x must have 3 axes \(batch, time, features\), got \(7, 4\)",
    ),
    "short": (lambda: layers.Conv1D(2, 8)(X), ValueError, "x must have at least the 8 time steps of a window, got 7"),
    "span": (lambda: layers.Conv1D(2, 2, dilation_rate=9)(X), ValueError, "at least the 10 time steps of a window"),
    "symbolic": (lambda: layers.Conv1D(2, 8)(Input((7, 4))), ValueError, "at least the 8 time steps"),
    "filters": (lambda: layers.Conv1D(0, 3), ValueError, "filters must be a whole number from 1 .*, got 0"),
    "size": (lambda: layers.Conv1D(2, 0), ValueError, "kernel_size must be a whole number from 1 .*, got 0"),
    "sizes": (lambda: layers.Conv1D(2, (2, 2)), ValueError, "kernel_size must be a whole number, or a tuple of one"),
    "kind": (lambda: layers.Conv1D(2, 2.0), TypeError, "kernel_size must be a whole number"),
    "padding": (lambda: layers.Conv1D(2, 3, padding="full"), ValueError, "padding must be 'valid', 'same' or 'causal'"),
    "channels": (lambda: layers.Conv1D(2, 3, data_format="channels_first"), NotImplementedError, "a Permute in front"),
    "both": (
        lambda: layers.Conv1D(2, 3, strides=2, dilation_rate=2),
        ValueError,
        r"strides must be 1 where dilation_rate is not, got \(2,\)",
    ),
    "groups": (lambda: layers.Conv1D(4, 3, groups=3), ValueError, "groups must divide the 4 filters, got 3"),
    "features": (lambda: layers.Conv1D(3, 3, groups=3)(X), ValueError, "groups must divide the 4 features, got 3"),
    "other": (
        lambda: [layer(x) for layer in [layers.Conv1D(2, 3)] for x in (X, X[..., :3])],
        ValueError,
        "3 features for 4",
    ),
    "unknown": (lambda: layers.Conv1D(2, 3)(Input((7, None))), ValueError, "last axis"),
    "mask": (
        lambda: layers.Conv1D(2, 3)(X, mask=np.ones((3, 6))),
        ValueError,
        r"mask must have shape \(3, 7\), .*, got \(3, 6\)",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    make, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        make()
