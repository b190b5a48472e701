"""What does not count, by a weight of 0 or a mask, does not enter: neither NaN, infinity nor labels that are none."""

import warnings

import numpy as np
import pytest

from fastlstm.keras import Input, Sequential, layers, losses, metrics, optimizers, utils

# One float32 step of a tiny model.
FLOAT32 = 2e-6
RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 5, 3)).astype("float32")
CLASSES = RNG.integers(0, 4, (8, 5))
ONE_HOT = np.eye(4, dtype="float32")[CLASSES]
WEIGHTS = np.ones(8, "float32")
WEIGHTS[[2, 5]] = 0
NOTHING = [np.nan, np.inf, -np.inf, 1e30]

PLAIN_LOSSES = ["mse", "mae", "huber", "binary_crossentropy", "categorical_crossentropy"]


def make(loss, *inner, end="sigmoid", sequences=False, units=4, **options):
    utils.set_random_seed(1)
    first = options.pop("first", [])
    net = Sequential([Input((5, 3)), *first, layers.LSTM(6, return_sequences=sequences), *inner])
    net.add(layers.Dense(units, activation=end, **options))
    net.compile(optimizers.SGD(0.1), loss, weighted_metrics=["mse", "mae", "accuracy"])
    return net


def step(net, x, y, weights=None):
    """Loss, metrics and weights after a step of training, and loss and metrics before it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = net.evaluate(x, y, sample_weight=weights, verbose=0)
        history = net.fit(x, y, sample_weight=weights, shuffle=False, verbose=0).history
    return [np.asarray(before), *(np.asarray(values) for values in history.values()), *net.get_weights()]


def assert_same(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        assert np.isfinite(b).all()
        np.testing.assert_allclose(a, b, rtol=0, atol=FLOAT32)


@pytest.mark.parametrize("bad", NOTHING)
@pytest.mark.parametrize("end", ["sigmoid", "softmax", "linear"])
@pytest.mark.parametrize("loss", PLAIN_LOSSES)
def test_labels_of_rows_of_weight_0(loss, end, bad):
    y = ONE_HOT[:, 0].copy()
    wanted = step(make(loss, end=end), X, y, WEIGHTS)
    y[2, 1], y[5] = bad, bad
    assert_same(step(make(loss, end=end), X, y, WEIGHTS), wanted)


@pytest.mark.parametrize("bad", NOTHING)
@pytest.mark.parametrize("loss", PLAIN_LOSSES)
def test_labels_of_steps_of_weight_0(loss, bad):
    weights, y = np.ones((8, 5), "float32"), ONE_HOT.copy()
    weights[3, 1:3] = weights[6] = 0
    wanted = step(make(loss, sequences=True), X, y, weights)
    y[3, 1], y[3, 2, 0], y[6] = bad, bad, bad
    assert_same(step(make(loss, sequences=True), X, y, weights), wanted)


@pytest.mark.parametrize("bad", NOTHING)
@pytest.mark.parametrize("loss", PLAIN_LOSSES)
def test_labels_of_masked_steps(loss, bad):
    x, y = X.copy(), ONE_HOT.copy()
    x[1, 3:], x[4, :2] = 0, 0
    net = lambda: make(loss, sequences=True, first=[layers.Masking()], kernel_regularizer="l2")  # noqa: E731
    wanted = step(net(), x, y)
    y[1, 3:], y[4, :2, 1] = bad, bad
    assert_same(step(net(), x, y), wanted)


@pytest.mark.parametrize("bad", [-1, 4, 255, np.nan, 0.5])
@pytest.mark.parametrize("where", ["row", "step", "mask", "deep mask", "row and mask"])
def test_class_numbers_that_are_none(where, bad):
    x, y, weights = X.copy(), CLASSES.astype(float), None
    masks, mine = [], where != "row"
    if "row" in where:
        weights = WEIGHTS
    if where == "step":
        weights = np.ones((8, 5), "float32")
        weights[2] = weights[5, 3] = 0
    if "mask" in where:
        x[2], x[5, 3] = 0, 0
        masks = [layers.Masking()]
    if where == "deep mask":  # seen only in what the layer before gives
        first = layers.Dense(3, kernel_initializer="identity", bias_initializer="ones")
        masks = [first, layers.Masking(mask_value=1.0)]

    def net():
        utils.set_random_seed(1)
        made = Sequential([Input((5, 3)), *(type(m).from_config(m.get_config()) for m in masks)])
        made.add(layers.LSTM(6, return_sequences=mine))
        made.add(layers.Dense(4, "softmax"))
        measures = ["accuracy", "sparse_categorical_crossentropy", "sparse_top_k_categorical_accuracy"]
        made.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy", weighted_metrics=measures)
        return made

    y = y if mine else y[:, 0]
    wanted = step(net(), x, y, weights)
    y[2] = bad
    if where in ("step", "mask", "deep mask"):
        y[5, 3] = bad
    assert_same(step(net(), x, y, weights), wanted)
    y[0] = bad
    with pytest.raises(ValueError, match=r"y must hold whole .*, got .* at row 0"):
        net().fit(x, y, sample_weight=weights, verbose=0)


@pytest.mark.parametrize("bad", NOTHING[:3])
@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
@pytest.mark.parametrize("activity", [None, "l2"])
def test_inputs_of_rows_of_weight_0(kind, activity, bad):
    """0 * NaN on the way back through the layers would make all weights NaN."""

    def net():
        utils.set_random_seed(1)
        made = Sequential([Input((5, 3)), kind(6), layers.Dense(5, "relu", activity_regularizer=activity)])
        made.add(layers.Dense(4, "softmax"))
        made.compile(optimizers.SGD(0.1), "categorical_crossentropy", weighted_metrics=["mse", "accuracy"])
        return made

    x, y = X.copy(), ONE_HOT[:, 0]
    x[[2, 5]] = 0
    wanted = step(net(), x, y, WEIGHTS)
    x[2, 1, 0], x[5] = bad, bad
    assert_same(step(net(), x, y, WEIGHTS), wanted)


def test_plain_metrics_count_every_row():
    """So a NaN in a row of weight 0 is in them: they say what the model gives."""
    net = make("mse")
    net.compile("sgd", "mse", metrics=["mae"])
    x = X.copy()
    x[2] = np.nan
    loss, error = net.train_on_batch(x, ONE_HOT[:, 0], sample_weight=WEIGHTS)
    assert np.isfinite(loss)
    assert np.isnan(error)


def test_what_counts_is_still_found_to_be_nan():
    y = ONE_HOT[:, 0].copy()
    y[1] = np.nan
    assert np.isnan(make("mse").train_on_batch(X, y, sample_weight=WEIGHTS)[0])


class Root(losses.Loss):
    """A loss whose slope is infinite where label and output agree."""

    def call(self, y_true, y_pred):
        return np.sqrt(abs(y_pred - y_true)).mean(-1)

    def gradient(self, y_true, y_pred):
        difference = y_pred - y_true
        return np.sign(difference) / (2 * np.sqrt(abs(difference))) / difference.shape[-1]


def test_a_slope_that_is_infinite_where_nothing_counts():
    net = make(Root(), end="relu", units=1, bias_initializer="zeros")
    y = np.ones((8, 1), "float32")
    y[[2, 5]] = net.predict(X, verbose=0)[[2, 5]]
    net.train_on_batch(X, y, sample_weight=WEIGHTS)
    assert all(np.isfinite(w).all() for w in net.get_weights())


@pytest.mark.parametrize("name", ["MeanSquaredError", "CategoricalCrossentropy", "BinaryCrossentropy", "Huber"])
def test_losses_called_on_arrays(name):
    loss, y, p = getattr(losses, name)(), ONE_HOT[:, 0].copy(), np.full((8, 4), 0.25, "float32")
    wanted = loss(y, p, WEIGHTS)
    y[2], p[5] = np.nan, np.nan
    assert loss(y, p, WEIGHTS) == wanted


def test_metrics_called_on_arrays():
    y, p = np.arange(8.0), np.full((8, 1), 2.0)
    metric = metrics.MeanSquaredError()
    metric.update_state(y, p, WEIGHTS)
    wanted = metric.result()
    y[2] = np.nan
    metric.reset_state()
    metric.update_state(y, p, WEIGHTS)
    assert metric.result() == wanted
    numbers = metrics.SparseCategoricalCrossentropy()
    numbers.update_state([1, -1], np.full((2, 2), 0.5), [1, 0])
    assert numbers.result() == pytest.approx(np.log(2))
    with pytest.raises(ValueError, match=r"y must hold whole .*, got -1 at row 1"):
        numbers.update_state([1, -1], np.full((2, 2), 0.5))
    top = metrics.SparseTopKCategoricalAccuracy(k=2)
    assert top([-1, 1], np.full((2, 2), 0.5)) == 0.5
