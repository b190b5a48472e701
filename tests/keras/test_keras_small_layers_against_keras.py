"""Layers without a time loop side by side with real Keras, where it is installed: values, shapes, gradients, masks."""

import numpy as np
import pytest

from fastlstm import keras as ours
from fastlstm.keras.layers.call import TRAINING

theirs = pytest.importorskip("keras.src", reason="Keras is not installed") and pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

FLOAT32 = 3e-6  # float32 sums of a few terms of order one

N, T, I = 5, 7, 4
RNG = np.random.default_rng(8)
X = RNG.normal(size=(N, T, I)).astype(np.float32)
MASK = RNG.random((N, T)) < 0.6
MASK[0], MASK[1] = False, True
OURS_ALONE = {"name", "trainable", "dtype"}

LAYERS = {
    "repeat_vector": (lambda k: k.RepeatVector(3), X[:, 0]),
    "reshape": (lambda k: k.Reshape((-1, 2)), X),
    "permute": (lambda k: k.Permute((2, 1)), X),
    "flatten": (lambda k: k.Flatten(), X),
    "up_sampling1d": (lambda k: k.UpSampling1D(3), X),
    "zero_padding1d": (lambda k: k.ZeroPadding1D((2, 0)), X),
    "cropping1d": (lambda k: k.Cropping1D((1, 2)), X),
    "global_average": (lambda k: k.GlobalAveragePooling1D(), X),
    "global_average_keepdims": (lambda k: k.GlobalAveragePooling1D(keepdims=True), X),
    "global_max": (lambda k: k.GlobalMaxPooling1D(), X),
    "global_max_equal": (lambda k: k.GlobalMaxPooling1D(keepdims=True), np.round(X)),
    "max": (lambda k: k.MaxPooling1D(), X),
    "max_equal": (lambda k: k.MaxPooling1D(3, 2), np.round(X)),
    "max_same": (lambda k: k.MaxPooling1D(2, padding="same"), X),
    "max_same_steps": (lambda k: k.MaxPooling1D(4, 1, "same"), X),
    "max_apart": (lambda k: k.MaxPooling1D(2, 3, "same"), X),
    "average": (lambda k: k.AveragePooling1D(2), X),
    "average_over": (lambda k: k.AveragePooling1D(3, strides=1), X),
    "average_same": (lambda k: k.AveragePooling1D(4, 2, "same"), X),
    "average_same_over": (lambda k: k.AveragePooling1D(5, 1, "same"), X),
    "average_apart": (lambda k: k.AveragePooling1D(pool_size=1, strides=3), X),
}


def made(name):
    """Return a layer of each library with the same weights, and an input."""
    make, x = LAYERS[name]
    pair = make(ours.layers), make(theirs.layers)
    for layer in pair:
        layer.build((None, *x.shape[1:]))
        layer.set_weights([np.random.default_rng(1).normal(size=w.shape) ** 2 for w in layer.get_weights()])
    return *pair, x


@pytest.mark.parametrize("name", LAYERS)
def test_values_and_shapes(name):
    layer, other, x = made(name)
    got, wanted = layer(x), np.asarray(other(x))
    np.testing.assert_allclose(got, wanted, atol=FLOAT32)
    for rows in (None, N):
        shape = (rows, *x.shape[1:])
        assert layer.compute_output_shape(shape) == tuple(other.compute_output_shape(shape))
    if x.ndim == 3:
        layer, other = (LAYERS[name][0](k.layers) for k in (ours, theirs))
        given = [k.Input((None, I)) for k in (ours, theirs)]
        assert layer(given[0]).shape == tuple(other(given[1]).shape)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients(name):
    layer, other, x = made(name)
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = other(given)
        slope = np.random.default_rng(2).normal(size=y.shape).astype("float32")
        total = tf.reduce_sum(y * slope)
    wanted = tape.gradient(total, [given, *other.trainable_weights])
    out, pullback = layer.vjp(x, TRAINING._replace(training=False))
    np.testing.assert_allclose(out, y, atol=FLOAT32)
    dx, gradients = pullback(slope)
    for a, b in zip([dx, *gradients], wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=10 * FLOAT32)


@pytest.mark.parametrize("name", [name for name, (_, x) in LAYERS.items() if x.ndim == 3])
def test_masks(name):
    """What a layer makes of the mask of its input: its values, and the mask of its output."""
    layer, other, x = made(name)
    given = tf.constant(x)
    given._keras_mask = tf.constant(MASK)
    y = other(given)
    np.testing.assert_allclose(layer(x, mask=MASK), y, atol=FLOAT32)
    mask, wanted = layer.compute_mask(x, MASK), getattr(y, "_keras_mask", None)
    assert (mask is None) == (wanted is None)
    if mask is not None:
        np.testing.assert_array_equal(mask, wanted)


@pytest.mark.parametrize("name", LAYERS)
def test_configs(name):
    layer, other, _ = made(name)
    got, wanted = layer.get_config(), other.get_config()
    own = {key: value for key, value in got.items() if key not in OURS_ALONE}
    assert own == {key: theirs.saving.serialize_keras_object(wanted[key]) for key in own} or own == {
        key: wanted[key] for key in own
    }
    assert set(got) == set(wanted)


REFUSED = {
    "repeat_vector": lambda k: k.RepeatVector(0),
    "reshape": lambda k: k.Reshape((5, 5))(X),
    "reshape_rest": lambda k: k.Reshape((-1, -1)),
    "permute": lambda k: k.Permute((0, 1)),
    "permute_axes": lambda k: k.Permute((2, 1))(X[0]),
    "up_sampling1d": lambda k: k.UpSampling1D(0),
    "zero_padding1d": lambda k: k.ZeroPadding1D((1, 2, 3)),
    "cropping1d": lambda k: k.Cropping1D(4)(X),
    "pool_size": lambda k: k.MaxPooling1D(0)(X),
    "pool": lambda k: k.AveragePooling1D(8).compute_output_shape(X.shape),
    "padding": lambda k: k.MaxPooling1D(2, padding="full").compute_output_shape(X.shape),
    "axes": lambda k: k.GlobalMaxPooling1D()(X[0]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    for k in (theirs.layers, ours.layers):
        with pytest.raises((ValueError, TypeError)):
            REFUSED[name](k)
