"""The layer Normalization: means and deviations that are found in data or given."""

import copy

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, config, layers, models

RNG = np.random.default_rng(4)
X = RNG.normal(2, 3, (6, 5, 3))
AXES = [-1, 2, 1, (1, 2), [-1, -2], None]


def others(axis):
    kept = () if axis is None else tuple(np.atleast_1d(axis) % 3)
    return tuple(k for k in range(3) if k not in kept)


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_what_is_found_in_an_array(axis, check_gradients):
    layer = layers.Normalization(axis, dtype="float64")
    layer.adapt(X)
    wanted = (X - X.mean(others(axis), keepdims=True)) / X.std(others(axis), keepdims=True)
    np.testing.assert_allclose(layer(X), wanted, rtol=1e-12, atol=1e-14)  # sums of ninety numbers in float64
    back = layers.Normalization(axis, invert=True, dtype="float64")
    back.adapt(X)
    np.testing.assert_allclose(back(layer(X)), X, rtol=1e-12)
    for one in (layer, back):
        check_gradients(one, X)
        assert one.trainable_variables == []
        assert [w.path.split("/")[1] for w in one.weights] == ["mean", "variance", "count"]


@pytest.mark.parametrize(
    "data",
    [
        lambda: [X[:1], X[1:4], X[4:]],
        lambda: (X[:1], X[1:4], X[4:]),
        lambda: iter([X[:2], X[2:]]),
        lambda: ((batch, None) for batch in (X[:5], X[5:])),
        X.tolist,
    ],
    ids=["list", "tuple", "iterator", "pairs", "nested lists"],
)
def test_batches_count_together(data):
    layer, whole = layers.Normalization(dtype="float64"), layers.Normalization(dtype="float64")
    layer.adapt(data())
    whole.adapt(X)
    for a, b in zip(layer.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_means_far_from_zero_keep_their_variance():
    far = 1e6 + X
    layer = layers.Normalization(dtype="float64")
    layer.adapt([far[:3], far[3:]])
    np.testing.assert_allclose(layer.get_weights()[1], X.var((0, 1)), rtol=1e-8)  # 1e6 has 1e-10 of a deviation left


@pytest.mark.parametrize(
    ("options", "mean", "variance"),
    [
        ({}, [1.0, 2.0, 3.0], [1.0, 4.0, 9.0]),
        ({}, 2.0, 4.0),
        ({"axis": None}, 2.0, 4.0),
        ({"axis": (1, 2)}, [1.0, 2.0, 3.0], [1.0, 4.0, 9.0]),
        ({"axis": (1, 2)}, np.arange(5.0)[:, None], np.arange(1.0, 6.0)[:, None]),
    ],
)
def test_what_is_given(options, mean, variance):
    layer = layers.Normalization(mean=mean, variance=variance, dtype="float64", **options)
    np.testing.assert_allclose(layer(X), (X - mean) / np.sqrt(variance), rtol=1e-14, atol=1e-15)
    assert layer.weights == []
    settings = layer.get_config()
    twin = layers.Normalization.from_config(copy.deepcopy(settings))
    assert twin.get_config() == settings
    np.testing.assert_array_equal(twin(X), layer(X))


def test_a_feature_that_never_changes_is_divided_by_epsilon():
    layer = layers.Normalization(dtype="float64")
    layer.adapt(np.ones((4, 2)))
    np.testing.assert_allclose(layer([[1.0, 2.0]]), [[0, 1 / config.epsilon()]])


def test_in_a_model():
    layer = layers.Normalization()
    layer.adapt(X)
    model = Sequential([Input((5, 3)), layer, layers.LSTM(2)])
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(X, np.ones((6, 2)), verbose=0)
    for a, b in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    wanted = model.predict(X, verbose=0)
    twin = models.model_from_json(model.to_json())
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin.predict(X, verbose=0), wanted)
    stream = model.stream(6)
    assert [np.array_equal(stream.step(X[:, t]), wanted) for t in range(5)][-1]
    layer.adapt(X + 1)
    assert not np.array_equal(model.predict(X, verbose=0), wanted)


def test_steps_with_means_of_their_own_are_no_stream():
    layer = layers.Normalization(1)
    layer.adapt(X)
    with pytest.raises(ValueError, match="axis must be behind that of time"):
        Sequential([Input((5, 3)), layer, layers.LSTM(2)]).stream()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: layers.Normalization(mean=1.0), ValueError, "variance must be given where mean is, got None"),
        (lambda: layers.Normalization(variance=1.0), ValueError, "mean must be given where variance is"),
        (lambda: layers.Normalization(mean=[1.0], variance=1.0), ValueError, "variance must have shape"),
        (lambda: layers.Normalization(mean=0.0, variance=-1.0), ValueError, "variance must be finite numbers"),
        (lambda: layers.Normalization(mean="a", variance=1.0), TypeError, "mean must be a number"),
        (lambda: layers.Normalization(mean=np.ones((2, 2)), variance=np.ones((2, 2))), ValueError, "at most 1 axes"),
        (lambda: layers.Normalization(mean=np.ones(2), variance=np.ones(2))(X), ValueError, "mean must have"),
        (lambda: layers.Normalization("a"), TypeError, "axis must be"),
        (lambda: layers.Normalization(3)(X), ValueError, r"have the axes \(3,\)"),
        (lambda: layers.Normalization(invert=2), ValueError, "invert must be True or False, got 2"),
        (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(X), ValueError, "leave mean and variance out"),
        (lambda: layers.Normalization().adapt(iter([])), ValueError, "data must have numbers in it, got none"),
        (lambda: layers.Normalization().adapt(np.ones((0, 3))), ValueError, "data must have numbers in it, got none"),
        (lambda: layers.Normalization().adapt("abc"), TypeError, "data must be an array"),
        (lambda: layers.Normalization().adapt([X, X[..., :2]]), ValueError, r"\(None, None, 3\)"),
        (lambda: Sequential([Input((None, None)), layers.Normalization()]), ValueError, "known sizes at the axes"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
