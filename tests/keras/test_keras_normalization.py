"""Normalization: values by definition, gradients, averages that follow, masks, steps."""

import copy
import pickle

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers, optimizers
from fastlstm.keras.foundation.training_step import training_step
from fastlstm.keras.layers.call import TRAINING, Call

X = np.random.default_rng(6).normal(size=(5, 4, 3)) * 2 + 1
MASK = np.random.default_rng(7).random((5, 4)) < 0.6
EPSILON = 1e-3


def filled(layer, shape):
    """Give a layer weights other than ones and zeros; variances are positive."""
    layer.build(shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) ** 2 + 0.1 for w in layer.get_weights()])
    return layer


# --- BatchNormalization -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("axis", "others"), [(-1, (0, 1)), (2, (0, 1)), (1, (0, 2)), (-2, (0, 2))])
def test_batch_normalization_is_its_formula(axis, others):
    layer = filled(layers.BatchNormalization(axis, dtype="float64"), X.shape)
    gamma, beta, moving_mean, moving_variance = layer.get_weights()
    spread = (lambda v: v) if others == (0, 1) else (lambda v: v[:, None])
    wanted = (X - spread(moving_mean)) / np.sqrt(spread(moving_variance) + EPSILON) * spread(gamma) + spread(beta)
    np.testing.assert_allclose(layer(X), wanted, rtol=1e-13, atol=1e-14)
    mean, variance = X.mean(axis=others), X.var(axis=others)
    wanted = (X - spread(mean)) / np.sqrt(spread(variance) + EPSILON) * spread(gamma) + spread(beta)
    np.testing.assert_allclose(layer(X, training=True), wanted, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(layer.get_weights()[2], 0.99 * moving_mean + 0.01 * mean, rtol=1e-13)
    np.testing.assert_allclose(layer.get_weights()[3], 0.99 * moving_variance + 0.01 * variance, rtol=1e-13)


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("options", [{}, {"center": False}, {"scale": False}, {"axis": 1}], ids=str)
@pytest.mark.parametrize("training", [False, True])
def test_gradients_of_batch_normalization(training, options, mask, check_gradients):
    layer = filled(layers.BatchNormalization(dtype="float64", **options), X.shape)
    with training_step():  # so that every pass begins from the same averages
        check_gradients(layer, X, training=training, mask=mask)


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_every_step_is_a_batch_of_its_own_if_time_is_distributed(mask, check_gradients):
    inner = filled(layers.BatchNormalization(dtype="float64", momentum=0.5), X[:, 0].shape)
    alone, layer = copy.deepcopy(inner), layers.TimeDistributed(inner)
    steps = [alone(X[:, t], training=True, mask=None if mask is None else mask[:, t]) for t in range(X.shape[1])]
    np.testing.assert_array_equal(layer(X, training=True, mask=mask), np.stack(steps, axis=1))
    for own, other in zip(layer.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
    np.testing.assert_array_equal(layer(X)[:, 0], alone(X[:, 0]))
    with training_step():
        check_gradients(layer, X, training=True, mask=mask)


def test_steps_are_batches_for_a_normalization_in_a_model_too():
    model = Sequential([Input((3,)), layers.Dense(2), layers.BatchNormalization()])
    x = X.astype(np.float32)
    layer = layers.TimeDistributed(copy.deepcopy(model))
    y = layer(x, training=True)
    for t in range(X.shape[1]):
        np.testing.assert_array_equal(y[:, t], model(x[:, t], training=True))
    for own, other in zip(layer.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


def test_what_is_not_there_does_not_count():
    layer = layers.BatchNormalization(momentum=0, dtype="float64")
    x = np.where(MASK[..., None], X, 1e6)
    y = layer(x, training=True, mask=MASK)
    np.testing.assert_allclose(y[MASK].mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(layer.moving_mean.value, X[MASK].mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(layer.moving_variance.value, X[MASK].var(axis=0), rtol=1e-13)
    layer(x, training=True, mask=np.zeros_like(MASK))
    np.testing.assert_array_equal(layer.get_weights()[2:], 0)


def test_a_layer_that_is_not_trained_goes_by_its_averages():
    layer = filled(layers.BatchNormalization(trainable=False, dtype="float64"), X.shape)
    before = layer.get_weights()
    np.testing.assert_array_equal(layer(X, training=True), layer(X))
    y, pullback = layer.vjp(X)
    assert pullback(y)[1] == []
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert layer.trainable_variables == []
    layer.trainable = True
    assert [v.name for v in layer.trainable_variables] == ["gamma", "beta"]
    assert [v.name for v in layer.non_trainable_variables] == ["moving_mean", "moving_variance"]
    assert not np.array_equal(layer(X, training=True), layer(X))


def test_averages_of_very_many_numbers_are_good():
    x = np.random.default_rng(0).normal(size=(400_000, 1)).astype("float32") + 100
    layer = layers.BatchNormalization(momentum=0)
    layer(x, training=True)
    exact = x.astype(float)
    # float32 holds 100 to 4e-6; its sums in float32, one after the other, would be wrong in the fourth digit.
    np.testing.assert_allclose(layer.moving_mean.value, exact.mean(axis=0), atol=8e-6)
    np.testing.assert_allclose(layer.moving_variance.value, exact.var(axis=0), rtol=1e-5)


def test_averages_change_with_the_step_and_only_then():
    layer = layers.BatchNormalization(dtype="float64")
    layer.build(X.shape)
    with training_step() as step:
        first, second = layer(X, training=True), layer(2 * X, training=True)
        np.testing.assert_array_equal(layer.get_weights()[2], 0)
    step.make_changes()
    twin = layers.BatchNormalization(dtype="float64")
    np.testing.assert_array_equal(twin(X, training=True), first)
    np.testing.assert_array_equal(twin(2 * X, training=True), second)
    for a, b in zip(layer.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_step_that_fails_leaves_the_averages():
    class Failing(optimizers.SGD):
        def apply(self, gradients, variables=None):
            raise RuntimeError("no step today")

    model = Sequential([Input((4, 3)), layers.BatchNormalization(), layers.LSTM(2)])
    model.compile(Failing(), "mse")
    before = model.get_weights()
    with pytest.raises(RuntimeError, match="no step today"):
        model.fit(X, np.ones((5, 2)), verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_value_read_earlier_does_not_change():
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    held = layer.moving_mean.value
    layer(X[:, 0], training=True)
    np.testing.assert_array_equal(held, 0)
    assert not held.flags.writeable


def test_a_model_with_batch_normalization_trains_and_copies():
    model = Sequential([Input((4, 3)), layers.LSTM(4, return_sequences=True), layers.BatchNormalization()])
    model.add(layers.GRU(3))
    model.add(layers.BatchNormalization(center=False, scale=False))
    model.compile(optimizers.Adam(0.05), "mse")
    y = np.random.default_rng(0).normal(size=(5, 3))
    losses = model.fit(X, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    assert np.abs(model.layers[1].moving_mean.value).max() > 0
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    assert model.evaluate(X, y, verbose=0) == pytest.approx(float(np.mean((model(X) - y) ** 2)), rel=1e-5)


def test_a_layer_in_two_places_follows_both():
    shared = layers.BatchNormalization(momentum=0.5, dtype="float64")
    one, other = Input((3,), dtype="float64"), Input((3,), dtype="float64")
    out = layers.Dense(1, dtype="float64")(layers.concatenate([shared(one), shared(other)], dtype="float64"))
    model = Model([one, other], out)
    model.compile("sgd", "mse")
    model.fit([X[:, 0], X[:, 1]], np.ones((5, 1)), verbose=0)
    wanted = 0.5 * (0.5 * X[:, 0].mean(axis=0)) + 0.5 * X[:, 1].mean(axis=0)
    np.testing.assert_allclose(shared.moving_mean.value, wanted, rtol=1e-12)


def test_a_model_of_averages_alone_still_follows():
    model = Sequential([Input((3,)), layers.BatchNormalization(center=False, scale=False, momentum=0)])
    model.compile("sgd", "mse")
    model.fit(X[:, 0], X[:, 0], verbose=0)
    np.testing.assert_allclose(model.layers[0].moving_mean.value, X[:, 0].mean(axis=0), rtol=1e-5)


def test_rows_that_do_not_count_and_are_broken_do_not_come_in_twice():
    model = Sequential([Input((3,)), layers.BatchNormalization(momentum=0.5), layers.Dense(1)])
    model.compile("sgd", "mse")
    x = X[:, 0].copy()
    x[4] = np.nan
    model.train_on_batch(x, np.ones((5, 1)), sample_weight=np.array([1.0, 1, 1, 1, 0]))
    # Zeros stand in for the broken row.
    np.testing.assert_allclose(model.layers[0].moving_mean.value, 0.5 * np.nan_to_num(x).mean(axis=0), rtol=1e-5)
    assert all(np.isfinite(w).all() for w in model.get_weights())


# --- LayerNormalization -----------------------------------------------------------------------------------------------


def layer_norm(x, axes, gamma, beta, rms=False):
    shape = [size if axis in axes else 1 for axis, size in enumerate(x.shape)]
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + EPSILON)
    if rms:
        return x / deviation * gamma.reshape(shape)
    return (x - x.mean(axis=axes, keepdims=True)) / deviation * gamma.reshape(shape) + beta.reshape(shape)


@pytest.mark.parametrize(("axis", "axes"), [(-1, (2,)), (1, (1,)), ([1, 2], (1, 2)), ((-1, -2), (1, 2)), ([2], (2,))])
def test_layer_normalization_is_its_formula(axis, axes, check_gradients):
    layer = filled(layers.LayerNormalization(axis, dtype="float64"), X.shape)
    gamma, beta = layer.get_weights()
    assert gamma.shape == tuple(X.shape[axis] for axis in axes)
    np.testing.assert_allclose(layer(X), layer_norm(X, axes, gamma, beta), rtol=1e-13, atol=1e-14)
    np.testing.assert_array_equal(layer(X, training=True), layer(X))
    check_gradients(layer, X)


@pytest.mark.parametrize("options", [{"center": False}, {"scale": False}, {"center": False, "scale": False}], ids=str)
def test_gradients_of_layer_normalization(options, check_gradients):
    check_gradients(filled(layers.LayerNormalization(dtype="float64", **options), X.shape), X)


def test_rms_scaling(check_gradients):
    with pytest.warns(UserWarning, match="rms_scaling divides by the deviation"):
        layer = layers.LayerNormalization(rms_scaling=True, scale=False, dtype="float64")
    filled(layer, X.shape)
    (gamma,) = layer.get_weights()
    np.testing.assert_allclose(layer(X), layer_norm(X, (2,), gamma, None, rms=True), rtol=1e-13)
    check_gradients(layer, X)


def test_layer_normalization_in_a_model_with_masks():
    x = Input((None, 3))
    y = layers.LSTM(4, return_sequences=True)(layers.Masking()(x))
    model = Model(x, layers.Dense(1)(layers.GRU(2)(layers.LayerNormalization()(y))))
    model.compile("adam", "mse")
    values = np.where(MASK[..., None], X, 0)
    losses = model.fit(values, np.ones((5, 1)), epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    longer = np.concatenate([values, np.zeros((5, 3, 3))], axis=1)
    np.testing.assert_array_equal(model(longer), model(values))


# --- Both -------------------------------------------------------------------------------------------------------------

BOTH = {
    "batch": lambda **o: layers.BatchNormalization(**o),
    "layer": lambda **o: layers.LayerNormalization(**o),
}


@pytest.mark.parametrize("name", BOTH)
def test_shapes_masks_and_dtypes(name):
    layer = BOTH[name]()
    assert layer.compute_output_shape((None, None, 3)) == (None, None, 3)
    assert layer(Input((None, 3))).shape == (None, None, 3)
    assert layer(X).dtype == layer(X, training=True).dtype == np.float32
    assert layer(X[:, :2]).shape == (5, 2, 3)
    assert layer.compute_mask(X, MASK) is MASK
    y, pullback = layer.vjp(X.astype("float32"), Call(training=True, need_dx=False))
    dx, gradients = pullback(y)
    assert dx is None
    assert [g.dtype for g in gradients] == [np.float32] * 2
    layer.trainable = False
    assert layer.vjp(X.astype("float32"), TRAINING)[1](y)[1] == []


@pytest.mark.parametrize("name", BOTH)
def test_steps_have_the_bits_of_the_whole(name):
    x = X.astype("float32")
    layer = filled(BOTH[name](), (None, None, 3))
    whole = layer(x)
    inputs = np.empty((5, 3), "float32")
    step, y = layer.step_function()(inputs)
    for t in range(4):
        inputs[:] = x[:, t]
        step()
        np.testing.assert_array_equal(y, whole[:, t])


@pytest.mark.parametrize("name", BOTH)
def test_a_stream_of_a_model(name):
    model = Sequential([Input((None, 3)), layers.LSTM(4, return_sequences=True), BOTH[name](), layers.GRU(2)])
    filled(model.layers[1], (None, None, 4))
    x = X.astype("float32")
    stream = model.stream(5)
    outputs = [stream.step(x[:, t]) for t in range(4)]
    np.testing.assert_array_equal(outputs[-1], model.predict(x, verbose=0))


@pytest.mark.parametrize("name", BOTH)
def test_config_makes_the_same_layer(name):
    options = {"center": False, "epsilon": 0.1, "gamma_regularizer": "l2", "beta_constraint": "non_neg"}
    layer = BOTH[name](axis=-2, gamma_initializer="normal", **options)
    config = layer.get_config()
    twin = type(layer).from_config(copy.deepcopy(config))
    assert twin.get_config() == config
    layer.build(X.shape)
    assert [v.path for v in layer.weights[:1]] == [f"{name}_normalization/gamma"]
    assert layer.losses == [pytest.approx(0.01 * (layer.gamma.value**2).sum())]


ERRORS = {
    "momentum": (
        lambda: layers.BatchNormalization(momentum=2),
        ValueError,
        "batch_normalization: momentum must be a number from 0 to 1, got 2",
    ),
    "epsilon": (lambda: layers.LayerNormalization(epsilon=-1), ValueError, "epsilon must be a number of at least 0"),
    "axis": (
        lambda: layers.BatchNormalization(3)(X),
        ValueError,
        r"batch_normalization: x must have the axis 3, got \(5, 4, 3\)",
    ),
    "axes": (
        lambda: layers.LayerNormalization([1, 3])(X),
        ValueError,
        r"layer_normalization: x must have the axis \[1, 3\], got \(5, 4, 3\)",
    ),
    "no axes": (lambda: layers.LayerNormalization([]), ValueError, "axis must be one axis or more, got"),
    "two axes": (lambda: layers.BatchNormalization([1, 2]), TypeError, r"axis must be a whole number, got \[1, 2\]"),
    "features": (
        lambda: [layer := layers.BatchNormalization(), layer(X), layer(X[..., :2])],
        ValueError,
        r"x must have shape \(None, None, 3\), got \(5, 4, 2\)",
    ),
    "steps": (
        lambda: [layer := layers.LayerNormalization([1, 2]), layer(X), layer(X[:, :2])],
        ValueError,
        r"x must have shape \(None, 4, 3\), got \(5, 2, 3\)",
    ),
    "rank": (
        lambda: [layer := layers.BatchNormalization(), layer(X), layer(X[:, 0])],
        ValueError,
        r"x must have shape \(None, None, 3\), got \(5, 3\)",
    ),
    "numbers": (lambda: layers.LayerNormalization()(X[:, 0, 0]), ValueError, "must have at least 2 axes"),
    "open sizes": (
        lambda: layers.BatchNormalization(1)(Input((None, 3))),
        ValueError,
        r"input_shape must have positive sizes where the weights have theirs, got \(None, None, 3\)",
    ),
    "mask": (
        lambda: layers.BatchNormalization()(X[:, None], mask=np.ones((5, 1), bool)),
        ValueError,
        r"mask must have one axis less than x \(5, 1, 4, 3\), got shape \(5, 1\)",
    ),
    "renorm": (lambda: layers.BatchNormalization(renorm=True), NotImplementedError, "renorm=True is not supported"),
    "stream of steps": (
        lambda: filled(layers.BatchNormalization(1), (None, 4, 3)).step_function(),
        ValueError,
        "must be a layer that can be streamed, .*, got a BatchNormalization",
    ),
    "stream over time": (
        lambda: filled(layers.LayerNormalization([1, 2]), (None, 4, 3)).step_function(),
        ValueError,
        "must be a layer that can be streamed, .*, got a LayerNormalization",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    make, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        make()


# --- Lengths and groups -----------------------------------------------------------------------------------------------

OTHERS = {
    "unit": lambda **options: layers.UnitNormalization(**options),
    "unit of both": lambda **options: layers.UnitNormalization([1, -1], **options),
    "rms": lambda **options: layers.RMSNormalization(**options),
    "rms of steps": lambda **options: layers.RMSNormalization(1, 0.1, **options),
    "rms of both": lambda **options: layers.RMSNormalization([2, 1], **options),
    "groups": lambda **options: layers.GroupNormalization(3, **options),
    "groups of steps": lambda **options: layers.GroupNormalization(2, 1, center=False, **options),
    "one group": lambda **options: layers.GroupNormalization(1, scale=False, **options),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_gradients_of_others(kind, check_gradients):
    layer = filled(OTHERS[kind](dtype="float64"), X.shape)
    check_gradients(layer, X)


def test_lengths_by_definition():
    y = layers.UnitNormalization(dtype="float64")(X)
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), 1, rtol=1e-13)
    layer = filled(layers.RMSNormalization(dtype="float64"), X.shape)
    wanted = X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-6) * layer.get_weights()[0]
    np.testing.assert_allclose(layer(X), wanted, rtol=1e-13)
    zeros = np.zeros((2, 3))
    y, pullback = layers.UnitNormalization(dtype="float64").vjp(zeros)
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_allclose(pullback(zeros + 1)[0], 1e12)


def test_groups_by_definition():
    layer = layers.GroupNormalization(3, dtype="float64", epsilon=0)
    y = layer(X)
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-14)  # three groups of one feature: over all steps
    np.testing.assert_allclose(y.var(axis=1), 1, rtol=1e-13)
    assert layers.GroupNormalization(-1).groups == -1
    with pytest.raises(ValueError, match="a number of features at axis -1 that 2 groups have equal parts of"):
        layers.GroupNormalization(2)(X)
    with pytest.raises(ValueError, match="groups must be a positive number, or -1, got 0"):
        layers.GroupNormalization(0)


@pytest.mark.parametrize("kind", ["unit", "rms"])
def test_others_stream(kind):
    model = Sequential([Input((4, 3)), layers.SimpleRNN(3, return_sequences=True), OTHERS[kind]()])
    stream = model.stream(5)
    steps = [stream.step(X[:, t]) for t in range(4)]
    np.testing.assert_array_equal(np.stack(steps, 1), model.predict(X, verbose=0))
    whole = Sequential([Input((4, 3)), OTHERS[f"{kind} of both"]()])
    with pytest.raises(ValueError, match="can be streamed"):
        whole.stream()


def test_masks_of_others():
    assert layers.UnitNormalization().compute_mask(X, MASK) is MASK
    assert layers.GroupNormalization(3).compute_mask(X, MASK) is MASK
    assert layers.RMSNormalization().compute_mask(X, MASK) is None


@pytest.mark.parametrize("kind", ["rms", "groups"])
def test_in_time_distributed(kind):
    layer = filled(layers.TimeDistributed(OTHERS[kind](dtype="float64")), X.shape)
    np.testing.assert_array_equal(layer(X)[:, 1], layer.layer(X[:, 1]))
