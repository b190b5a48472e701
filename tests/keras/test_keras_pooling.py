"""Pooling: values by definition, gradients, shapes, masks."""

import copy
import math

import numpy as np
import pytest

from fastlstm.keras import Input, Model, layers
from fastlstm.keras.layers.call import TRAINING

X = np.random.default_rng(6).normal(size=(3, 7, 2))
MASK = np.random.default_rng(7).random((3, 7)) < 0.6
WHOLE = {
    "average": (layers.GlobalAveragePooling1D, lambda x: x.mean(axis=1)),
    "max": (layers.GlobalMaxPooling1D, lambda x: x.max(axis=1)),
}
WINDOWS = {"average": (layers.AveragePooling1D, np.mean), "max": (layers.MaxPooling1D, np.max)}
SIZES = [(1, None), (2, None), (3, None), (7, None), (3, 1), (2, 3), (4, 2)]


def windows_of(x, size, stride, padding):
    """What stands in each window: lists of steps."""
    steps = x.shape[1]
    if padding == "valid":
        starts = range(0, steps - size + 1, stride)
    else:
        count = math.ceil(steps / stride)
        before = max((count - 1) * stride + size - steps, 0) // 2
        starts = range(-before, count * stride - before, stride)
    return [x[:, max(start, 0) : start + size] for start in starts]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("kind", WHOLE)
def test_whole_sequences(kind, keepdims, check_gradients):
    make, wanted = WHOLE[kind]
    layer = make(keepdims=keepdims, dtype="float64")
    y = layer(X)
    # Sums of seven numbers of order one.
    np.testing.assert_allclose(y, wanted(X)[:, None] if keepdims else wanted(X), rtol=1e-14, atol=1e-15)
    assert layer.compute_output_shape(X.shape) == y.shape
    assert layer.compute_output_shape((None, None, 2)) == (None, *y.shape[1:])
    assert layer.compute_mask(X, MASK) is None
    check_gradients(layer, X)


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_mean_is_of_what_is_there(keepdims, check_gradients):
    layer = layers.GlobalAveragePooling1D(keepdims=keepdims, dtype="float64")
    y = layer(X, mask=MASK)
    for row in range(3):
        np.testing.assert_allclose(y[row].ravel(), X[row, MASK[row]].mean(axis=0), rtol=1e-14, atol=1e-15)
    check_gradients(layer, X, mask=MASK)


def test_the_mean_of_nothing_is_nan_and_has_no_slope():
    mask = np.zeros((2, 7), bool)
    mask[0, 2] = True
    y, pullback = layers.GlobalAveragePooling1D().vjp(X[:2].astype("float32"), TRAINING._replace(mask=mask))
    assert np.isfinite(y[0]).all()
    assert np.isnan(y[1]).all()
    np.testing.assert_array_equal(pullback(np.ones((2, 2), "float32"))[0], mask[..., None] * np.ones(2))


def test_what_is_not_there_may_be_anything():
    x = X.copy()
    x[~MASK] = np.nan
    np.testing.assert_array_equal(
        layers.GlobalAveragePooling1D()(x, mask=MASK), layers.GlobalAveragePooling1D()(X, mask=MASK)
    )


def test_equal_steps_share_the_gradient_of_the_largest():
    x = np.array([[[1.0], [3.0], [3.0]]])
    layer = layers.GlobalMaxPooling1D(dtype="float64")
    np.testing.assert_array_equal(layer.vjp(x)[1](np.ones((1, 1)))[0].ravel(), [0, 0.5, 0.5])
    window = layers.MaxPooling1D(3, dtype="float64")
    np.testing.assert_array_equal(window.vjp(x)[1](np.ones((1, 1, 1)))[0].ravel(), [0, 1, 0])


def test_nan_is_the_largest():
    x = np.array([[[1.0], [np.nan], [3.0]]])
    assert np.isnan(layers.GlobalMaxPooling1D()(x)).all()
    assert np.isnan(layers.MaxPooling1D(3)(x)).all()
    np.testing.assert_array_equal(layers.MaxPooling1D(1)(x), x)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "stride"), SIZES)
@pytest.mark.parametrize("kind", WINDOWS)
def test_windows(kind, size, stride, padding, check_gradients):
    make, reduce = WINDOWS[kind]
    layer = make(size, stride, padding, dtype="float64")
    y = layer(X)
    wanted = [reduce(window, axis=1) for window in windows_of(X, size, stride or size, padding)]
    np.testing.assert_allclose(y, np.stack(wanted, axis=1), rtol=1e-14, atol=1e-15)
    assert layer.compute_output_shape(X.shape) == y.shape
    assert layer.compute_output_shape((None, None, 2)) == (None, None, 2)
    assert layer.compute_mask(X, MASK) is None
    check_gradients(layer, X)


@pytest.mark.parametrize(
    "make",
    [
        lambda **o: layers.GlobalAveragePooling1D("channels_last", True, **o),
        lambda **o: layers.GlobalMaxPooling1D(keepdims=True, **o),
        lambda **o: layers.MaxPooling1D(3, 2, "same", **o),
        lambda **o: layers.AveragePooling1D((3,), [2], **o),
    ],
)
def test_config_makes_the_same_layer(make):
    layer = make(dtype="float64", trainable=False)
    config = layer.get_config()
    twin = type(layer).from_config(copy.deepcopy(config))
    assert twin.get_config() == config
    np.testing.assert_array_equal(twin(X), layer(X))


def test_unneeded_gradients_are_left_out():
    for make in (*(make for make, _ in WHOLE.values()), lambda **o: layers.MaxPooling1D(2, **o)):
        y, pullback = make(dtype="float64").vjp(X, TRAINING._replace(need_dx=False))
        assert pullback(y) == (None, [])
    y, pullback = layers.AveragePooling1D(2, dtype="float64").vjp(X, TRAINING._replace(need_dx=False))
    assert pullback(y) == (None, [])


def test_short_names():
    assert layers.GlobalAvgPool1D is layers.GlobalAveragePooling1D
    assert layers.GlobalMaxPool1D is layers.GlobalMaxPooling1D
    assert (layers.MaxPool1D, layers.AvgPool1D) == (layers.MaxPooling1D, layers.AveragePooling1D)


def test_a_model_with_masks_trains():
    x = Input((7, 2))
    y = layers.LSTM(4, return_sequences=True)(layers.Masking()(x))
    short = layers.GlobalMaxPooling1D()(layers.AveragePooling1D(3)(layers.MaxPooling1D(2)(x)))
    out = layers.Dense(1)(layers.concatenate([layers.GlobalAveragePooling1D()(y), short]))
    model = Model(x, out)
    model.compile("adam", "mse")
    values = np.where(MASK[..., None], X, 0)
    losses = model.fit(values, np.ones(3), epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


ERRORS = {
    "axes": (
        lambda: layers.GlobalMaxPooling1D()(X[0]),
        ValueError,
        r"global_max_pooling1d: x must have 3 axes \(batch, time, features\), got \(7, 2\)",
    ),
    "short": (
        lambda: layers.AveragePooling1D(8)(X),
        ValueError,
        "average_pooling1d: x must have at least the 8 time steps of a window, got 7",
    ),
    "symbolic": (lambda: layers.MaxPooling1D(8)(Input((7, 2))), ValueError, "at least the 8 time steps"),
    "size": (lambda: layers.MaxPooling1D(0), ValueError, "pool_size must be a whole number from 1 .*, got 0"),
    "sizes": (lambda: layers.MaxPooling1D((2, 2)), ValueError, "pool_size must be a whole number, or a tuple of one"),
    "strides": (lambda: layers.MaxPooling1D(2, 0), ValueError, "strides must be a whole number from 1"),
    "padding": (lambda: layers.MaxPooling1D(2, padding="full"), ValueError, "padding must be 'valid' or 'same', got"),
    "channels": (lambda: layers.GlobalMaxPooling1D("channels_first"), NotImplementedError, "put a Permute in front"),
    "mask": (
        lambda: layers.GlobalAveragePooling1D()(X, mask=np.ones((3, 6))),
        ValueError,
        r"mask must have shape \(3, 7\), .*, got \(3, 6\)",
    ),
    "stream": (
        lambda: layers.MaxPooling1D().step_function(),
        ValueError,
        "must be a layer that can be streamed, one time step at a time",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    make, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        make()
