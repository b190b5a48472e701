"""Layers: values, gradients, weights, shapes."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, activations, layers
from fastlstm.keras.layers.call import TRAINING

# Central differences in float64 are good to about 1e-9 relative; values here are of order one.
GRADIENT = 1e-7
# float32 sums of a few dozen terms of order one.
FLOAT32 = 2e-6

LAYERS = {
    "dense": lambda: layers.Dense(3, activation="tanh", dtype="float64"),
    "dense_softmax": lambda: layers.Dense(3, activation="softmax", dtype="float64"),
    "dense_no_bias": lambda: layers.Dense(3, use_bias=False, dtype="float64"),
    "flatten": lambda: layers.Flatten(dtype="float64"),
    "lstm": lambda: layers.LSTM(3, dtype="float64"),
    "lstm_sequences": lambda: layers.LSTM(3, return_sequences=True, dtype="float64"),
    "lstm_backwards": lambda: layers.LSTM(3, return_sequences=True, go_backwards=True, dtype="float64"),
    "lstm_no_bias": lambda: layers.LSTM(3, use_bias=False, dtype="float64"),
    "gru": lambda: layers.GRU(3, dtype="float64"),
    "gru_sequences": lambda: layers.GRU(3, return_sequences=True, dtype="float64"),
    "gru_before": lambda: layers.GRU(3, reset_after=False, go_backwards=True, dtype="float64"),
    "gru_no_bias": lambda: layers.GRU(3, use_bias=False, dtype="float64"),
    "rnn": lambda: layers.SimpleRNN(3, dtype="float64"),
    "rnn_relu": lambda: layers.SimpleRNN(3, activation="relu", return_sequences=True, dtype="float64"),
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_equations(x, kernel, recurrent, bias):
    h = c = np.zeros((len(x), recurrent.shape[0]))
    outputs = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, 1), c


def test_lstm_is_its_equations():
    x = np.random.default_rng(1).normal(size=(4, 6, 3))
    layer = layers.LSTM(5, return_sequences=True, return_state=True, dtype="float64")
    y, h, c = layer(x)
    wanted, cell = lstm_equations(x, *layer.get_weights())
    # float64 with activations good to a few ULP over six steps.
    np.testing.assert_allclose(y, wanted, atol=1e-13)
    np.testing.assert_allclose(h, wanted[:, -1], atol=1e-13)
    np.testing.assert_allclose(c, cell, atol=1e-13)


def test_simple_rnn_is_its_equation():
    x = np.random.default_rng(1).normal(size=(4, 6, 3))
    layer = layers.SimpleRNN(5, dtype="float64")
    y = layer(x)
    kernel, recurrent, bias = layer.get_weights()
    h = np.zeros((4, 5))
    for t in range(6):
        h = np.tanh(x[:, t] @ kernel + h @ recurrent + bias)
    np.testing.assert_allclose(y, h, atol=1e-13)


@pytest.mark.parametrize("after", [True, False])
def test_gru_is_its_equations(after):
    x = np.random.default_rng(1).normal(size=(4, 6, 3))
    layer = layers.GRU(5, reset_after=after, bias_initializer="normal", dtype="float64")
    y = layer(x)
    kernel, recurrent, bias = layer.get_weights()
    bias, recurrent_bias = bias if after else (bias, np.zeros(15))
    h = np.zeros((4, 5))
    for t in range(6):
        a, b = x[:, t] @ kernel + bias, h @ recurrent + recurrent_bias
        z, r = sigmoid(a[:, :5] + b[:, :5]), sigmoid(a[:, 5:10] + b[:, 5:10])
        n = np.tanh(a[:, 10:] + (r * b[:, 10:] if after else (r * h) @ recurrent[:, 10:]))
        h = z * h + (1 - z) * n
    np.testing.assert_allclose(y, h, atol=1e-13)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_central_differences(name, central_differences):
    x = np.random.default_rng(2).normal(size=(2, 4, 3))
    layer = LAYERS[name]()
    y = layer(x)
    dy = np.random.default_rng(3).normal(size=y.shape)
    out, pullback = layer.vjp(x)
    dx, gradients = pullback(dy)
    np.testing.assert_array_equal(out, y)
    np.testing.assert_allclose(dx, central_differences(lambda v: float((layer(v) * dy).sum()), x), atol=GRADIENT)
    assert len(gradients) == len(layer.weights)
    for variable, gradient in zip(layer.weights, gradients, strict=True):
        start = variable.numpy()

        def loss(value, variable=variable):
            variable.assign(value)
            return float((layer(x) * dy).sum())

        np.testing.assert_allclose(gradient, central_differences(loss, start), atol=GRADIENT, err_msg=variable.path)
        variable.assign(start)


ACTIVATIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "tanh", "sigmoid", "softmax", "hard_sigmoid", "elu", "selu"),
    "hard_sigmoid_keras2",
    *("softplus", "softsign", "silu", "exponential"),
)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_gradients(name, central_differences):
    x = np.random.default_rng(4).normal(size=(3, 4)) * 2
    layer = layers.Activation(name, dtype="float64")
    y, pullback = layer.vjp(x)
    dy = np.random.default_rng(5).normal(size=y.shape)
    dx, gradients = pullback(dy)
    assert gradients == []
    np.testing.assert_allclose(dx, central_differences(lambda v: float((layer(v) * dy).sum()), x), atol=GRADIENT)


def test_hard_sigmoids():
    x = np.array([-4, -2.5, -2, 0, 1, 2.5, 4])
    np.testing.assert_allclose(activations.hard_sigmoid(x), [0, 1 / 12, 1 / 6, 0.5, 2 / 3, 11 / 12, 1], rtol=1e-15)
    np.testing.assert_allclose(activations.hard_sigmoid_keras2(x), [0, 0, 0.1, 0.5, 0.7, 1, 1], atol=1e-16)
    dense = layers.Dense(3, activation="hard_sigmoid_keras2")
    assert dense.get_config()["activation"] == "hard_sigmoid_keras2"


def test_activations_hold_at_the_extremes():
    x = np.array([-1e4, -100.0, 0.0, 100.0, 1e4])
    np.testing.assert_allclose(activations.get("sigmoid")(x), [0, np.exp(-100.0), 0.5, 1, 1], rtol=1e-12)
    np.testing.assert_array_equal(activations.get("softmax")(x), [0, 0, 0, 0, 1])
    assert np.isfinite(activations.get("softplus")(x)).all()


def test_unneeded_input_gradient_is_left_out():
    layer = layers.LSTM(3)
    x = np.ones((2, 4, 3), np.float32)
    layer(x)
    assert layer.vjp(x, TRAINING._replace(need_dx=False))[1](np.ones((2, 3), np.float32))[0] is None


def test_frozen_layer_gives_no_weight_gradients_but_passes_the_gradient_on():
    layer = layers.LSTM(3, trainable=False)
    x = np.ones((2, 4, 3), np.float32)
    layer(x)
    dx, gradients = layer.vjp(x)[1](np.ones((2, 3), np.float32))
    assert gradients == []
    assert np.abs(dx).max() > 0
    assert layer.trainable_variables == []
    assert len(layer.non_trainable_variables) == 3


def test_go_backwards_reads_reversed_and_keeps_processing_order():
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    forward = layers.LSTM(4, return_sequences=True)
    backward = layers.LSTM(4, return_sequences=True, go_backwards=True)
    y = forward(x[:, ::-1])
    backward.build((None, 5, 3))
    backward.set_weights(forward.get_weights())
    np.testing.assert_array_equal(backward(x), y)


def test_initial_state_continues_a_sequence():
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    layer = layers.LSTM(4, return_state=True)
    whole = layer(x)
    _, *states = layer(x[:, :2])
    for got, wanted in zip(layer(x[:, 2:], initial_state=states), whole, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_stateful_layer_carries_states_until_reset():
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    layer = layers.SimpleRNN(4, stateful=True)
    whole = layer(x)
    layer.reset_state()
    layer(x[:, :4])
    np.testing.assert_array_equal(layer(x[:, 4:]), whole)
    with pytest.raises(ValueError, match=r"x must have 2 rows, as the states .*, got 1; call reset_state"):
        layer(x[:1])
    layer.reset_states()
    np.testing.assert_array_equal(layer(x), whole)


def test_dropout_keeps_the_mean_and_drops_only_in_training():
    x = np.ones((200, 50), np.float32)
    layer = layers.Dropout(0.25, seed=1)
    np.testing.assert_array_equal(layer(x), x)
    y = layer(x, training=True)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    # 10,000 draws: the mean's standard deviation is 0.006.
    assert abs(y.mean() - 1) < 0.03
    assert not np.array_equal(layer(x, training=True), y)
    np.testing.assert_array_equal(layers.Dropout(0.25, seed=1)(x, training=True), y)


def test_dropout_gradient_is_its_mask():
    x = np.ones((4, 5), np.float32)
    y, pullback = layers.Dropout(0.5, seed=1).vjp(x)
    np.testing.assert_array_equal(pullback(np.full_like(x, 3))[0], 3 * y)


def test_input_dropout_of_a_recurrent_layer_is_the_same_at_every_step():
    layer = layers.LSTM(3, dropout=0.5, seed=2)
    x = np.ones((4, 6, 5), np.float32)
    layer(x)
    dx, _ = layer.vjp(x)[1](np.ones((4, 3), np.float32))
    dropped = dx == 0
    assert dropped.any()
    assert not dropped.all()
    np.testing.assert_array_equal(dropped, dropped[:, :1] & np.ones_like(dropped))


def test_names_and_paths_are_those_of_keras():
    model = Sequential([Input((5, 3)), layers.LSTM(4, return_sequences=True), layers.SimpleRNN(4), layers.Dense(2)])
    assert [layer.name for layer in model.layers] == ["lstm", "simple_rnn", "dense"]
    assert layers.LSTM(2).name == "lstm_1"
    assert [v.path for v in model.weights][:4] == [
        "sequential/lstm/lstm_cell/kernel",
        "sequential/lstm/lstm_cell/recurrent_kernel",
        "sequential/lstm/lstm_cell/bias",
        "sequential/simple_rnn/simple_rnn_cell/kernel",
    ]


def test_shapes_and_counts():
    model = Sequential([Input((5, 3)), layers.LSTM(4, return_sequences=True), layers.Flatten(), layers.Dense(2)])
    assert model.input_shape == (None, 5, 3)
    assert model.layers[0].output_shape == (None, 5, 4)
    assert model.layers[1].output_shape == (None, 20)
    assert model.output_shape == (None, 2)
    assert model.layers[0].count_params() == 4 * (3 + 4 + 1) * 4
    assert model.count_params() == 128 + 42


def test_input_shape_arguments():
    with pytest.warns(UserWarning, match="Input"):
        assert layers.LSTM(2, input_shape=(5, 3)).batch_input_shape == (None, 5, 3)
    with pytest.warns(UserWarning, match="Input"):
        assert layers.LSTM(2, batch_input_shape=(8, 5, 3)).batch_input_shape == (8, 5, 3)
    with pytest.warns(UserWarning, match="Input"):
        assert layers.LSTM(2, input_dim=3).batch_input_shape == (None, None, 3)
    with pytest.warns(UserWarning, match="Input"):
        assert layers.Dense(2, input_dim=3).batch_input_shape == (None, 3)


def test_input_shape_warning_points_at_the_users_line():
    with pytest.warns(UserWarning, match="Input") as caught:
        layers.LSTM(2, input_shape=(5, 3))
    assert caught[0].filename == __file__


def test_dtypes_may_differ_within_a_model(central_differences):
    model = Sequential([Input((4, 3)), layers.LSTM(3), layers.Dense(2, dtype="float64"), layers.Dense(1)])
    model.compile(loss="mse", optimizer="sgd")
    x = np.ones((5, 4, 3))
    assert model.predict(x, verbose=0).dtype == np.float32
    before = model.get_weights()
    model.fit(x, np.ones(5), verbose=0)
    assert [w.dtype.name for w in model.get_weights()] == ["float32"] * 3 + ["float64"] * 2 + ["float32"] * 2
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True) if a.any())


def test_values_read_earlier_do_not_change():
    model = Sequential([Input((4, 3)), layers.LSTM(3), layers.Dense(1)])
    model.compile(loss="mse", optimizer="adam")
    held = model.weights[0].value
    copied = held.copy()
    model.fit(np.ones((5, 4, 3)), np.ones(5), verbose=0)
    np.testing.assert_array_equal(held, copied)
    assert not np.array_equal(model.weights[0].numpy(), copied)


def test_set_weights_takes_effect_and_is_all_or_nothing():
    layer = layers.LSTM(4)
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    before = layer(x)
    weights = layer.get_weights()
    layer.set_weights([2 * w for w in weights])
    assert not np.array_equal(layer(x), before)
    with pytest.raises(ValueError, match=r"lstm/lstm_cell/bias must have shape \(16,\), got \(4,\)"):
        layer.set_weights([weights[0], weights[1], np.zeros(4)])
    with pytest.raises(ValueError, match=r"lstm: weights must be a list of 3 arrays of .*, got 1"):
        layer.set_weights(weights[:1])
    np.testing.assert_array_equal(layer.get_weights()[0], 2 * weights[0])
    layer.set_weights(weights)
    np.testing.assert_array_equal(layer(x), before)


def test_set_weights_while_others_predict_gives_one_of_both_results():
    model = Sequential([Input((6, 3)), layers.LSTM(8)])
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    sets = [model.get_weights(), [3 * w for w in model.get_weights()]]
    wanted = []
    for weights in sets:
        model.set_weights(weights)
        wanted.append(model.predict(x, verbose=0).tobytes())

    def predict(_):
        return model.predict(x, verbose=0).tobytes()

    with ThreadPoolExecutor(4) as pool:
        results = pool.map(predict, range(400))
        for i in range(100):
            model.set_weights(sets[i % 2])
        assert set(results) <= set(wanted)


def test_threads_get_the_same_bits():
    model = Sequential([Input((6, 3)), layers.LSTM(8), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(16, 6, 3)).astype(np.float32)
    wanted = model.predict(x, verbose=0).tobytes()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: model.predict(x, verbose=0).tobytes(), range(64))) == {wanted}


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_model_goes_on_training_alike(clone, model, data):
    x, y = data
    model.fit(x, y, shuffle=False, verbose=0)
    other = clone(model)
    model.fit(x, y, shuffle=False, verbose=0)
    other.fit(x, y, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_config_makes_the_same_layer():
    recurrent = (layers.LSTM(3, return_sequences=True), layers.GRU(3, reset_after=False))
    for layer in (*recurrent, layers.SimpleRNN(3, activation="relu"), layers.Dropout(0.5)):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.LSTM(0), ValueError, "units must be a whole number from 1 to 2147483647, got 0"),
        (lambda: layers.LSTM(2.5), TypeError, "units must be a whole number from 1 to 2147483647, got 2.5"),
        (
            lambda: layers.LSTM(2, activation="gulu"),
            ValueError,
            "activation must be a known name.*got 'gulu'; valid names: .*tanh",
        ),
        (
            lambda: layers.LSTM(2, activation="softmax"),
            ValueError,
            "activation must be one for recurrent layers, got 'softmax'",
        ),
        (lambda: layers.GRU(2, recurrent_dropout=-1), ValueError, "recurrent_dropout must be a number from 0 to 1"),
        (
            lambda: layers.LSTM(2, kernel_regularizer="l3"),
            ValueError,
            "kernel_regularizer must be a known name .*got 'l3'; .*l1_l2",
        ),
        (
            lambda: layers.LSTM(2, activity_regularizer="l3"),
            ValueError,
            "activity_regularizer must be a known name .*got 'l3'",
        ),
        (lambda: layers.LSTM(2, foo=1), ValueError, r"LSTM: arguments must be ones that the layer has, got \['foo'\]"),
        (
            lambda: layers.Dense(2, kernel_initializer="nope"),
            ValueError,
            "dense: kernel_initializer must be a known name .*, got 'nope'; valid names: .*glorot_uniform",
        ),
        (
            lambda: layers.Dense(2, activation=3),
            TypeError,
            "activation must be a known name, a function, or an ActivationFunction",
        ),
        (lambda: layers.Dense(2, dtype="float16"), TypeError, "dtype must be 'float32' or 'float64', got 'float16'"),
        (lambda: layers.Dropout(2), ValueError, "rate must be a number from 0 to 1, got 2"),
        (
            lambda: layers.LSTM(2)(np.ones((2, 3))),
            ValueError,
            r"x must have 3 axes \(batch, time, features\), got \(2, 3\)",
        ),
        (lambda: layers.Dense(2)(np.ones(3)), ValueError, "at least 2 axes"),
        (lambda: layers.LSTM(2)(np.ones((2, 3, 0))), ValueError, "last axis .* positive size"),
        (lambda: layers.LSTM(2).count_params(), ValueError, "lstm must have weights, got none yet"),
        (
            lambda: Sequential([layers.Dense(2), Input((3,))]),
            ValueError,
            "an Input must be the first layer, got it as number 2",
        ),
        (lambda: Sequential(["lstm"]), TypeError, "layer must be a keras.layers.Layer"),
        (lambda: Sequential([layers.LSTM(2, return_state=True)]), ValueError, "set return_state=False"),
        (lambda: Sequential([Input((4, 3)), layers.LSTM(2), layers.LSTM(2)]), ValueError, "lstm_1: input_shape must"),
        (lambda: Input((4, -1)), ValueError, "shape: each size must be a whole number from 0"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_wrong_features_and_states_after_building():
    layer = layers.LSTM(4)
    layer(np.ones((2, 5, 3)))
    with pytest.raises(ValueError, match=r"x must have shape \(None, 5, 3\), got \(2, 5, 4\): 4 features for 3"):
        layer(np.ones((2, 5, 4)))
    with pytest.raises(ValueError, match=r"initial_state must have 2 arrays, of sizes \[4, 4\], got 1"):
        layer(np.ones((2, 5, 3)), initial_state=[np.ones((2, 4))])
    with pytest.raises(ValueError, match=r"initial_state must have shape \(2, 4\), got \(1, 4\)"):
        layer(np.ones((2, 5, 3)), initial_state=[np.ones((1, 4)), np.ones((1, 4))])
    with pytest.raises(ValueError, match=r"mask must have shape \(2, 5\), .*, got \(2, 4\)"):
        layer(np.ones((2, 5, 3)), mask=np.zeros((2, 4), bool))


def test_a_refused_layer_leaves_the_model_as_it_was():
    model = Sequential([Input((4, 3)), layers.LSTM(2)])
    with pytest.raises(ValueError, match="input_shape must have 3 axes"):
        model.add(layers.LSTM(2))
    assert len(model.layers) == 1
    model.add(layers.Dense(1))
    assert model.output_shape == (None, 1)
    assert model.pop() is not None
    assert model.output_shape == (None, 2)


@pytest.mark.parametrize("layer", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_a_models_row_has_the_same_bits_in_any_batch(layer: type) -> None:
    """The promise of the kernels holds for whole models: recurrent layer, dense layer, softmax."""
    hidden, output = layers.Dense(17, activation="tanh"), layers.Dense(9, activation="softmax")
    model = Sequential([Input((6, 5)), layer(33), hidden, output])
    x = np.random.default_rng(0).normal(size=(40, 6, 5)).astype("float32")
    whole = model.predict(x, verbose=0)
    for row in (0, 7, 39):
        np.testing.assert_array_equal(model.predict(x[row : row + 1], verbose=0)[0], whole[row])
    np.testing.assert_array_equal(model.predict(x, batch_size=7, verbose=0), whole)
