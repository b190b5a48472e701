"""Layers that do something in training only, or add to the loss."""

import copy

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers
from fastlstm.keras.layers.call import TRAINING

X = np.ones((50, 40, 20), np.float32)
NOISY = {
    "spatial_dropout1d": lambda **o: layers.SpatialDropout1D(0.25, **o),
    "gaussian_noise": lambda **o: layers.GaussianNoise(0.5, **o),
    "gaussian_dropout": lambda **o: layers.GaussianDropout(0.2, **o),
}
DEVIATIONS = {"gaussian_noise": 0.5, "gaussian_dropout": 0.5}  # sqrt(0.2 / 0.8)


@pytest.mark.parametrize("name", NOISY)
def test_nothing_happens_outside_training(name):
    layer = NOISY[name]()
    assert layer(X).base is X
    assert layer.compute_output_shape((None, 40, 20)) == (None, 40, 20)
    mask = np.ones((50, 40), bool)
    assert layer.compute_mask(X, mask) is mask
    step, y = layer.step_function()(X[:, 0])
    step()
    np.testing.assert_array_equal(y, X[:, 0])


@pytest.mark.parametrize("name", NOISY)
def test_a_seed_repeats_the_draws(name):
    first = NOISY[name](seed=3)
    y = first(X, training=True)
    assert y.dtype == np.float32
    assert not np.array_equal(first(X, training=True), y)
    np.testing.assert_array_equal(NOISY[name](seed=3)(X, training=True), y)
    assert NOISY[name](dtype="float64")(X, training=True).dtype == np.float64


@pytest.mark.parametrize("name", DEVIATIONS)
def test_mean_and_deviation_of_noise(name):
    y = NOISY[name](seed=1)(X, training=True)
    # 40,000 draws: standard deviations of the estimates are 0.0025 and 0.002.
    assert abs(y.mean() - 1) < 0.0125
    assert abs(y.std() - DEVIATIONS[name]) < 0.01


def test_spatial_dropout_drops_features_at_all_steps_together():
    y = NOISY["spatial_dropout1d"](seed=1)(X, training=True)
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    # 1,000 draws: the mean's standard deviation is 0.018.
    assert abs(y.mean() - 1) < 0.09


@pytest.mark.parametrize("name", NOISY)
def test_gradients_are_those_of_the_draws_made(name):
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    y, pullback = NOISY[name](seed=2).vjp(x)
    dx, gradients = pullback(np.full_like(x, 2))
    assert gradients == []
    np.testing.assert_allclose(dx, 2 * y / x if name != "gaussian_noise" else np.full_like(x, 2), rtol=1e-6)
    y, pullback = NOISY[name]().vjp(x, TRAINING._replace(training=False))
    assert y is x
    np.testing.assert_array_equal(pullback(x)[0], x)


def test_no_noise_at_all():
    for layer in (layers.SpatialDropout1D(0), layers.GaussianNoise(0), layers.GaussianDropout(0)):
        assert layer(X, training=True).base is X


@pytest.mark.parametrize("name", NOISY)
def test_config_makes_the_same_layer(name):
    layer = NOISY[name](seed=4, name="noise", dtype="float64")
    config = layer.get_config()
    assert "noise_shape" not in config
    assert type(layer).from_config(copy.deepcopy(config)).get_config() == config


def test_activity_regularization_is_a_penalty_on_what_goes_through():
    x = np.random.default_rng(0).normal(size=(3, 4))
    layer = layers.ActivityRegularization(0.1, 0.01, dtype="float64")
    assert layer(x).base is x
    y, pullback, penalty = layer.penalized_vjp(x)
    assert penalty == pytest.approx((0.1 * np.abs(x).sum() + 0.01 * (x**2).sum()) / 3)
    np.testing.assert_allclose(pullback(np.zeros_like(y))[0], (0.1 * np.sign(x) + 0.02 * x) / 3)
    config = layer.get_config()
    assert (config["l1"], config["l2"]) == (0.1, 0.01)
    assert "activity_regularizer" not in config
    assert layers.ActivityRegularization.from_config(config).get_config() == config


def test_activity_regularization_is_part_of_the_loss():
    losses = []
    for last in (layers.ActivityRegularization(l2=0.5), layers.Activation("linear", activity_regularizer="l2")):
        model = Sequential([Input((4,)), layers.Dense(3, kernel_initializer="ones"), last])
        model.compile("sgd", "mse")
        losses.append(model.evaluate(X[0, :, :4], np.zeros((40, 3)), verbose=0))
    # Outputs of 4: a mean square of 16, and a half or a hundredth of the sum of three squares.
    np.testing.assert_allclose(losses, [16 + 0.5 * 48, 16 + 0.01 * 48], rtol=1e-6)


def test_a_model_with_noise_trains_and_predicts_without():
    noise = [make(seed=1) for make in NOISY.values()]
    model = Sequential([Input((5, 3)), *noise, layers.LSTM(2)])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(8, 5, 3)).astype("float32")
    model.fit(x, np.ones((8, 2)), verbose=0)
    bare = Sequential([Input((5, 3)), layers.LSTM(2)])
    bare.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict(x, verbose=0), bare.predict(x, verbose=0))


ERRORS = {
    "rate": (lambda: layers.SpatialDropout1D(2), ValueError, "spatial_dropout1d: rate must be a number from 0 to 1"),
    "all noise": (
        lambda: layers.GaussianDropout(1),
        ValueError,
        "rate must be a number of at least 0 and below 1",
    ),
    "stddev": (lambda: layers.GaussianNoise(1.5), ValueError, "gaussian_noise: stddev must be a number from 0 to 1"),
    "seed": (lambda: layers.GaussianNoise(0.5, -1), ValueError, "seed must be a whole number of at least 0, got -1"),
    "axes": (lambda: layers.SpatialDropout1D(0.5)(X[0]), ValueError, r"x must have 3 axes \(batch, time, features\)"),
    "l1": (lambda: layers.ActivityRegularization(-1), ValueError, "l1 must be a number of at least 0, got -1"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    make, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        make()
