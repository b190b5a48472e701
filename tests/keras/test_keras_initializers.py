"""Initial weights: the distributions of Keras, and their seeds."""

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, initializers, layers, utils


def draw(name, shape=(300, 200), **arguments):
    return getattr(initializers, name)(seed=3, **arguments)(shape, dtype="float64")


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("GlorotUniform", np.sqrt(6 / 500)),
        ("HeUniform", np.sqrt(6 / 300)),
        ("LecunUniform", np.sqrt(3 / 300)),
        ("RandomUniform", 0.05),
    ],
)
def test_uniform(name, limit):
    values = draw(name)
    assert np.abs(values).max() <= limit
    # 60,000 draws: the extremes come within 1e-3 of the limit, the deviation within 1% (its own is 0.2%).
    assert np.abs(values).max() > 0.999 * limit
    assert values.std() == pytest.approx(limit / np.sqrt(3), rel=0.01)


@pytest.mark.parametrize(
    ("name", "deviation"),
    [("GlorotNormal", np.sqrt(2 / 500)), ("HeNormal", np.sqrt(2 / 300)), ("LecunNormal", np.sqrt(1 / 300))],
)
def test_truncated(name, deviation):
    values = draw(name)
    assert values.std() == pytest.approx(deviation, rel=0.01)
    assert np.abs(values).max() <= 2 * deviation / 0.87962566


def test_normal():
    assert draw("RandomNormal", mean=1.0, stddev=0.5).std() == pytest.approx(0.5, rel=0.01)
    assert np.abs(draw("RandomNormal")).max() > 0.15
    assert np.abs(draw("TruncatedNormal", stddev=0.1)).max() <= 0.2


@pytest.mark.parametrize("shape", [(6, 24), (24, 6), (8, 8), (2, 3, 10)])
def test_orthogonal(shape):
    matrix = initializers.Orthogonal(gain=2.0, seed=1)(shape, dtype="float64").reshape(-1, shape[-1])
    product = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
    # QR in float64 is orthogonal to a few roundings.
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-13)


def test_fixed_values():
    np.testing.assert_array_equal(initializers.get("identity")((2, 3)), np.eye(2, 3))
    np.testing.assert_array_equal(initializers.Constant(3)((2,)), [3, 3])
    np.testing.assert_array_equal(initializers.get("ones")((2,)), [1, 1])
    assert initializers.get("zeros")((2,)).dtype == np.float32


def test_lstm_starts_as_in_keras():
    layer = layers.LSTM(50)
    layer.build((None, None, 30))
    kernel, recurrent, bias = layer.get_weights()
    # One matrix for all gates: its limit counts all their outputs.
    limit = np.sqrt(6 / (30 + 200))
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(50), atol=1e-5)
    np.testing.assert_array_equal(bias, np.r_[np.zeros(50), np.ones(50), np.zeros(100)])
    plain = layers.LSTM(2, unit_forget_bias=False, bias_initializer="ones")
    plain.build((None, None, 3))
    np.testing.assert_array_equal(plain.get_weights()[2], np.ones(8))


def test_seeds():
    one, two = initializers.GlorotUniform(seed=5), initializers.GlorotUniform(seed=5)
    np.testing.assert_array_equal(one((3, 4)), two((3, 4)))
    np.testing.assert_array_equal(one((3, 4)), one((3, 4)))
    free = initializers.GlorotUniform()
    assert not np.array_equal(free((3, 4)), initializers.GlorotUniform()((3, 4)))
    weights = []
    for _ in range(2):
        utils.set_random_seed(11)
        weights.append(Sequential([Input((4, 3)), layers.LSTM(5), layers.Dense(2)]).get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: initializers.get("nope"),
            ValueError,
            "initializer must be a known name .*, got 'nope'; valid names: .*glorot_uniform",
        ),
        (lambda: initializers.get(3), TypeError, "initializer must be a known name or an Initializer, got 3"),
        (lambda: initializers.GlorotUniform(seed="x"), TypeError, "seed must be a whole number of at least 0, got 'x'"),
        (
            lambda: initializers.VarianceScaling(mode="fan"),
            ValueError,
            "mode must be 'fan_in', 'fan_out' or 'fan_avg', got 'fan'",
        ),
        (lambda: initializers.Identity()((2,)), ValueError, r"Identity: shape must be that of a matrix, got \(2,\)"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
