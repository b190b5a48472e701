"""Activations that are layers of their own, Rescaling and Identity: values, gradients, shapes, masks, steps."""

import copy

import numpy as np
import pytest

from fastlstm.keras import Input, Model, Sequential, layers
from fastlstm.keras.layers.call import TRAINING

X = np.random.default_rng(6).normal(size=(3, 4, 5)) * 2
STEPS = np.random.default_rng(7).random((3, 4)) < 0.6


def shares(x, axes):
    e = np.exp(x)
    return e / e.sum(axis=axes, keepdims=True)


SCALES = [0.5, 2.0, -1.0, 0.0, 3.0]
# What a layer does, and the same in NumPy.
CASES = {
    "relu": (lambda **o: layers.ReLU(**o), lambda x: np.maximum(x, 0)),
    "relu_bounded": (lambda **o: layers.ReLU(1.5, **o), lambda x: np.clip(x, 0, 1.5)),
    "relu_bent": (
        lambda **o: layers.ReLU(2.5, 0.25, 1.0, **o),
        lambda x: np.where(x > 1, np.minimum(x, 2.5), 0.25 * (x - 1)),
    ),
    "leaky_relu": (lambda **o: layers.LeakyReLU(**o), lambda x: np.where(x > 0, x, 0.3 * x)),
    "leaky_relu_steep": (lambda **o: layers.LeakyReLU(2, **o), lambda x: np.where(x > 0, x, 2 * x)),
    "elu": (lambda **o: layers.ELU(**o), lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    "elu_deep": (lambda **o: layers.ELU(-2.5, **o), lambda x: np.where(x > 0, x, -2.5 * (np.exp(x) - 1))),
    "softmax": (lambda **o: layers.Softmax(**o), lambda x: shares(x, -1)),
    "softmax_steps": (lambda **o: layers.Softmax(1, **o), lambda x: shares(x, 1)),
    "softmax_both": (lambda **o: layers.Softmax((1, -1), **o), lambda x: shares(x, (1, 2))),
    "rescaling": (lambda **o: layers.Rescaling(0.5, -1, **o), lambda x: x / 2 - 1),
    "rescaling_features": (lambda **o: layers.Rescaling(np.array(SCALES), **o), lambda x: x * SCALES),
    "rescaling_steps": (
        lambda **o: layers.Rescaling([[1.0], [2.0], [3.0], [4.0]], SCALES, **o),
        lambda x: x * np.arange(1, 5)[:, None] + SCALES,
    ),
    "identity": (lambda **o: layers.Identity(**o), lambda x: x),
}
STREAMED = [name for name in CASES if name not in ("softmax_steps", "softmax_both", "rescaling_steps")]


@pytest.mark.parametrize("name", CASES)
def test_values_shapes_and_masks(name):
    make, wanted = CASES[name]
    layer = make(dtype="float64")
    y = layer(X)
    # A few operations in float64.
    np.testing.assert_allclose(y, wanted(X), rtol=1e-14, atol=1e-15)
    assert layer.compute_output_shape((None, *X.shape[1:])) == (None, *y.shape[1:])
    assert make()(X).dtype == np.float32
    assert layer.compute_mask(X, STEPS) is STEPS


@pytest.mark.parametrize("name", CASES)
def test_gradients(name, check_gradients):
    check_gradients(CASES[name][0](dtype="float64"), X)


@pytest.mark.parametrize("name", CASES)
def test_config_makes_the_same_layer(name):
    layer = CASES[name][0](dtype="float64", trainable=False)
    config = layer.get_config()
    twin = type(layer).from_config(copy.deepcopy(config))
    assert twin.get_config() == config
    np.testing.assert_array_equal(twin(X), layer(X))


@pytest.mark.parametrize("name", STREAMED)
def test_steps_have_the_bits_of_the_whole(name):
    x = X.astype("float32")
    layer = CASES[name][0]()
    whole = layer(x)
    inputs = np.empty((3, 5), "float32")
    step, y = layer.step_function()(inputs)
    for t in range(4):
        inputs[:] = x[:, t]
        step()
        np.testing.assert_array_equal(y, whole[:, t])


@pytest.mark.parametrize("make", [layers.ReLU, layers.LeakyReLU, layers.ELU, lambda: layers.ReLU(6, 0.1, 0.5)])
def test_infinity_and_nan(make):
    y = make()([[np.inf, -np.inf, np.nan]])
    assert y[0, 0] in (np.inf, 6)
    assert y[0, 1] in (0, -1, -np.inf)
    assert np.isnan(y[0, 2])


# --- PReLU ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shared", "shape"), [(None, (4, 5)), (1, (1, 5)), ([1], (1, 5)), ((2,), (4, 1)), ([1, 2], (1, 1))]
)
def test_learned_slopes(shared, shape, check_gradients):
    layer = layers.PReLU("normal", shared_axes=shared, dtype="float64")
    y = layer(X)
    (alpha,) = layer.get_weights()
    assert alpha.shape == shape
    np.testing.assert_array_equal(y, np.where(X > 0, X, alpha * X))
    check_gradients(layer, X)
    layer.trainable = False
    assert layer.vjp(X)[1](y)[1] == []
    assert layer.vjp(X, TRAINING._replace(need_dx=False))[1](y)[0] is None


def test_learned_slopes_of_vectors_and_their_options():
    layer = layers.PReLU("ones", "l2", "non_neg")
    np.testing.assert_array_equal(layer([[-1.0, 2.0]]), [[-1, 2]])
    assert layer.weights[0].path == "p_re_lu/alpha"
    assert layer.losses == [pytest.approx(0.02)]
    config = layer.get_config()
    assert layers.PReLU.from_config(copy.deepcopy(config)).get_config() == config
    assert config["shared_axes"] is None


def test_learned_slopes_go_with_sequences_of_any_length():
    layer = layers.PReLU("normal", shared_axes=[1])
    assert layer(Input((None, 5))).shape == (None, None, 5)
    x = X.astype("float32")
    whole = layer(x)
    assert layer(x[:, :2]).shape == (3, 2, 5)
    inputs = np.empty((3, 5), "float32")
    step, y = layer.step_function()(inputs)
    for t in range(4):
        inputs[:] = x[:, t]
        step()
        np.testing.assert_array_equal(y, whole[:, t])


def test_learned_slopes_train():
    model = Sequential([Input((4, 5)), layers.LSTM(3, return_sequences=True), layers.PReLU(shared_axes=[1])])
    model.add(layers.LSTM(2))
    model.compile("adam", "mse")
    model.fit(X, np.ones((3, 2)), verbose=0, epochs=2)
    assert np.abs(model.layers[1].get_weights()[0]).max() > 0


# --- Softmax under masks ----------------------------------------------------------------------------------------------

SCORES = X[..., 0]
MASKS = {
    "scores": (SCORES, STEPS, -1),
    "entries": (X, np.random.default_rng(1).random((3, 4, 5)) < 0.6, -1),
    "steps": (X, np.random.default_rng(1).random((3, 4, 5)) < 0.6, 1),
    "all": (X, np.random.default_rng(1).random((3, 1, 5)) < 0.6, [1, 2]),
    "features": (X, np.array([True, False, True, True, False]), -1),
}


@pytest.mark.parametrize("name", MASKS)
def test_softmax_shares_among_what_is_there(name, check_gradients):
    x, mask, axis = MASKS[name]
    layer = layers.Softmax(axis, dtype="float64")
    there = np.broadcast_to(mask, x.shape)
    e = np.where(there, np.exp(x), 0)
    total = e.sum(axis=tuple(np.atleast_1d(axis)), keepdims=True)
    wanted = np.divide(e, total, out=np.zeros_like(e), where=total > 0)
    np.testing.assert_allclose(layer(x, mask=mask), wanted, rtol=1e-14)
    np.testing.assert_array_equal(layer(x, mask=mask.astype(float)), layer(x, mask=mask))
    check_gradients(layer, x, mask=mask)


def test_softmax_of_nothing_is_nothing():
    y, pullback = layers.Softmax(dtype="float64").vjp(X, TRAINING._replace(mask=np.zeros((3, 1, 1), bool)))
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_array_equal(pullback(np.ones_like(y))[0], 0)


def test_softmax_leaves_itself_out_for_a_loss():
    layer = layers.Softmax(dtype="float64")
    assert layer.logits_activation == "softmax"
    assert layers.Softmax(1).logits_activation is None
    y, pullback = layer.vjp(X, TRAINING._replace(logits=True))
    assert y is X
    assert pullback(y)[0] is y
    mask = X > 0
    logits, pullback = layer.vjp(X, TRAINING._replace(logits=True, mask=mask))
    np.testing.assert_array_equal(logits[mask], X[mask])
    np.testing.assert_array_equal(pullback(X)[0], X * mask)
    np.testing.assert_allclose(layer(logits)[mask], layer(X, mask=mask)[mask], rtol=1e-14)


@pytest.mark.filterwarnings("ignore:.* does not support masking")
def test_attention_over_padded_steps():
    """Scores of the steps, their shares among those that are there, and the sum of the steps in these shares."""
    x = Input((4, 5))
    steps = layers.Masking()(x)
    h = layers.LSTM(3, return_sequences=True)(steps)
    scores = layers.Reshape((4,))(layers.Dense(1)(h))
    there = np.where(STEPS[..., None], X, 0)
    y = Model(x, [h, scores])
    outputs = y(there)
    weights = layers.Softmax()(outputs[1], mask=STEPS)
    pooled = layers.Dot(1)([weights, outputs[0]])
    np.testing.assert_allclose(pooled, (weights[..., None] * outputs[0]).sum(axis=1), atol=1e-6)
    np.testing.assert_array_equal(weights[~STEPS], 0)


ERRORS = {
    "max_value": (lambda: layers.ReLU(-1), ValueError, "re_lu: max_value must be a number of at least 0, got -1"),
    "negative_slope": (lambda: layers.ReLU(negative_slope=None), TypeError, "negative_slope must be a number"),
    "threshold": (lambda: layers.ReLU(threshold=-0.5), ValueError, "threshold must be a number of at least 0"),
    "leak": (lambda: layers.LeakyReLU(-0.1), ValueError, "leaky_re_lu: negative_slope must be a number of at least 0"),
    "alpha": (lambda: layers.ELU("a"), TypeError, "elu: alpha must be a number, got 'a'"),
    "shared_axes": (
        lambda: layers.PReLU(shared_axes=[3])(X),
        ValueError,
        r"p_re_lu: shared_axes must be axes of the input \(None, 4, 5\), got \[3\]",
    ),
    "axis of the batch": (lambda: layers.PReLU(shared_axes=0), ValueError, "shared_axes must be a whole number of at"),
    "open sizes": (
        lambda: layers.PReLU()(Input((None, 5))),
        ValueError,
        r"input_shape must have sizes that are known, got \(None, None, 5\); slopes may be shared: shared_axes=\[1\]",
    ),
    "other sizes": (
        lambda: [layer := layers.PReLU(), layer(X), layer(X[:, :2])],
        ValueError,
        r"p_re_lu: x must have shape \(None, 4, 5\), got \(3, 2, 5\)",
    ),
    "other axes": (
        lambda: [layer := layers.PReLU(), layer(X), layer(X[:, 0])],
        ValueError,
        r"p_re_lu: x must have shape \(None, 4, 5\), got \(3, 5\)",
    ),
    "slopes of a stream": (
        lambda: [layer := layers.PReLU(), layer(X), layer.step_function()],
        ValueError,
        r"p_re_lu: shared_axes must have 1, .* to be streamed, got None; set shared_axes=\[1\]",
    ),
    "axis": (lambda: layers.Softmax(3)(X), ValueError, r"softmax: x must have the axis 3, got \(3, 4, 5\)"),
    "axes": (lambda: layers.Softmax([1, "a"]), TypeError, "softmax: axis must be a whole number, got 'a'"),
    "no axes": (lambda: layers.Softmax([]), ValueError, "axis must be one axis or more, got"),
    "mask of steps": (
        lambda: layers.Softmax()(X, mask=STEPS),
        ValueError,
        r"softmax: mask must have a shape whose last axes are those of x \(3, 4, 5\), or 1, got \(3, 4\); Activation",
    ),
    "shares in a stream": (
        lambda: [layer := layers.Softmax(1), layer(X), layer.step_function()],
        ValueError,
        "softmax must be a layer that can be streamed, .*, got a Softmax",
    ),
    "scale": (lambda: layers.Rescaling("a"), TypeError, "rescaling: scale must be a number, got 'a'"),
    "offset": (lambda: layers.Rescaling(1, [np.nan]), ValueError, "offset must be .* of finite numbers, got"),
    "scales": (
        lambda: layers.Rescaling([1.0, 2.0])(X),
        ValueError,
        r"rescaling: x must have last axes that fit the scale of shape \(2,\), got \(3, 4, 5\)",
    ),
    "scales of rows": (
        lambda: layers.Rescaling(1.0, np.ones((3, 4, 5)))(X),
        ValueError,
        r"fit the offset of shape \(3, 4, 5\)",
    ),
    "scales of steps in a stream": (
        lambda: [layer := layers.Rescaling(np.ones((4, 1))), layer(X), layer.step_function()],
        ValueError,
        "rescaling must be a layer that can be streamed, .*, got a Rescaling",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    make, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        make()
