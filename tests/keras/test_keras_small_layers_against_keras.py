"""Layers without a time loop side by side with real Keras, where it is installed: values, shapes, gradients, masks."""

import inspect

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
PADDED = np.where(MASK[..., None], X, np.float32(0))
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
    "relu": (lambda k: k.ReLU(), X),
    "relu_bounded": (lambda k: k.ReLU(6), 4 * X),
    "relu_bent": (lambda k: k.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.4), X),
    "relu_leaks": (lambda k: k.ReLU(negative_slope=0.1), X),
    "leaky_relu": (lambda k: k.LeakyReLU(), X),
    "prelu": (lambda k: k.PReLU(), X),
    "prelu_shared": (lambda k: k.PReLU(shared_axes=[1]), PADDED),
    "elu": (lambda k: k.ELU(0.5), X),
    "softmax": (lambda k: k.Softmax(), X[..., 0]),
    "softmax_steps": (lambda k: k.Softmax(axis=1), X[:, 0]),
    "softmax_both": (lambda k: k.Softmax(axis=[1, 2]), X.reshape(N, T, 2, 2)),
    "identity": (lambda k: k.Identity(), X),
    "rescaling": (lambda k: k.Rescaling(0.5, 1.0), X),
    "rescaling_features": (lambda k: k.Rescaling([1.0, 2.0, 3.0, 4.0], [0.5]), X),
    "batch_normalization": (lambda k: k.BatchNormalization(), X),
    "batch_normalization_steps": (lambda k: k.BatchNormalization(axis=1, center=False), X),
    "layer_normalization": (lambda k: k.LayerNormalization(), X),
    "layer_normalization_both": (lambda k: k.LayerNormalization(axis=[1, 2], epsilon=0.1), X),
    "layer_normalization_steps": (lambda k: k.LayerNormalization(axis=1, scale=False), X),
    "unit_normalization": (lambda k: k.UnitNormalization(), PADDED),
    "unit_normalization_both": (lambda k: k.UnitNormalization(axis=[1, 2]), X),
    "rms_normalization": (lambda k: k.RMSNormalization(), X),
    "rms_normalization_both": (lambda k: k.RMSNormalization(axis=[1, 2], epsilon=0.1), X),
    "group_normalization": (lambda k: k.GroupNormalization(2), X),
    "group_normalization_each": (lambda k: k.GroupNormalization(-1, scale=False), X),
    "group_normalization_steps": (lambda k: k.GroupNormalization(7, axis=1, epsilon=0.1), X),
    "group_normalization_flat": (lambda k: k.GroupNormalization(2), X[:, 0]),
    "average_apart": (lambda k: k.AveragePooling1D(pool_size=1, strides=3), X),
    "conv": (lambda k: k.Conv1D(3, 2), X),
    "conv_same": (lambda k: k.Conv1D(6, 4, padding="same", activation="tanh"), X),
    "conv_causal": (lambda k: k.Conv1D(6, 3, padding="causal", dilation_rate=2), X),
    "conv_strides": (lambda k: k.Conv1D(6, 3, strides=2, use_bias=False), X),
    "conv_strides_same": (lambda k: k.Conv1D(6, 4, strides=3, padding="same"), X),
    "conv_strides_causal": (lambda k: k.Conv1D(6, 4, strides=2, padding="causal"), X),
    "conv_dilation_same": (lambda k: k.Conv1D(6, 2, dilation_rate=3, padding="same"), X),
    "conv_groups": (lambda k: k.Convolution1D(6, 3, groups=2), X),
    "conv_transpose": (lambda k: k.Conv1DTranspose(3, 2), X),
    "conv_transpose_strides": (lambda k: k.Conv1DTranspose(3, 5, strides=2, activation="tanh"), X),
    "conv_transpose_same": (lambda k: k.Conv1DTranspose(3, 4, strides=3, padding="same", use_bias=False), X),
    "conv_transpose_same_even": (lambda k: k.Conv1DTranspose(3, 4, padding="same"), X),
    "conv_transpose_apart": (lambda k: k.Convolution1DTranspose(3, 2, strides=3), X),
    "conv_transpose_same_apart": (lambda k: k.Conv1DTranspose(3, 2, strides=3, padding="same"), X),
}

OF_STEPS = (
    *("rms_normalization_both", "group_normalization_steps"),
    "prelu",
    "batch_normalization_steps",
    "layer_normalization_both",
    "layer_normalization_steps",
)
"""Layers with a weight for every time step."""


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
    if x.ndim == 3 and name not in OF_STEPS:
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


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask")  # Keras says what it loses
@pytest.mark.parametrize("name", [name for name, (_, x) in LAYERS.items() if x.ndim == 3])
@pytest.mark.filterwarnings("ignore:.*does not support masking")  # where the mask ends is said, and is as in Keras
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
    assert {key: plain(got[key]) for key in got.keys() - OURS_ALONE} == {
        key: plain(wanted[key]) for key in wanted.keys() - OURS_ALONE
    }


def plain(setting):
    """A setting of either library: what Keras writes of an object beside its class and its settings is left out."""
    setting = theirs.saving.serialize_keras_object(setting) if not isinstance(setting, list | tuple) else list(setting)
    # Keras makes a list of the axes of a LayerNormalization when it is built.
    setting = setting[0] if isinstance(setting, list) and len(setting) == 1 else setting
    return {key: setting[key] for key in ("class_name", "config")} if isinstance(setting, dict) else setting


REFUSED = {
    "repeat_vector": lambda k: k.RepeatVector(0),
    "reshape": lambda k: k.Reshape((5, 5))(X),
    "reshape_rest": lambda k: k.Reshape((-1, -1)),
    "permute": lambda k: k.Permute((0, 1)),
    "permute_axes": lambda k: k.Permute((2, 1))(X[0]),
    "up_sampling1d": lambda k: k.UpSampling1D(0),
    "zero_padding1d": lambda k: k.ZeroPadding1D((1, 2, 3)),
    "cropping1d": lambda k: k.Cropping1D(4)(X),
    "max_value": lambda k: k.ReLU(-1.0),
    "slope": lambda k: k.LeakyReLU(-1.0),
    "stddev": lambda k: k.GaussianNoise(2.0),
    "rate": lambda k: k.SpatialDropout1D(2.0),
    "mask_of_steps": lambda k: k.Softmax()(X, mask=MASK),
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


@pytest.mark.parametrize("shape", [(N, T, I), (N, 1, I), (N, T, 1), (T, I), (I,)], ids=str)
@pytest.mark.parametrize("axis", [-1, 1, [1, 2]], ids=str)
def test_softmax_under_a_mask(axis, shape):
    mask = np.random.default_rng(3).random(shape) < 0.5
    layer, other = (k.layers.Softmax(axis) for k in (ours, theirs))
    given = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = other(given, mask=tf.constant(mask))
        total = tf.reduce_sum(y * PADDED)
    out, pullback = layer.vjp(X, TRAINING._replace(mask=mask))
    np.testing.assert_allclose(out, y, atol=FLOAT32)
    np.testing.assert_allclose(pullback(PADDED)[0], tape.gradient(total, given), atol=FLOAT32)


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("options", [{}, {"axis": 1}, {"center": False, "momentum": 0.5}, {"scale": False}], ids=str)
def test_batch_normalization_in_training(options, mask):
    layer, other = (k.layers.BatchNormalization(**options) for k in (ours, theirs))
    given = tf.constant(X)
    for each in (layer, other):
        each.build((None, T, I))
        each.set_weights([np.random.default_rng(1).normal(size=w.shape) ** 2 for w in each.get_weights()])
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = other(given, training=True, mask=None if mask is None else tf.constant(mask))
        total = tf.reduce_sum(y * PADDED)
    wanted = tape.gradient(total, [given, *other.trainable_weights])
    out, pullback = layer.vjp(X, TRAINING._replace(mask=mask))
    np.testing.assert_allclose(out, y, atol=FLOAT32)
    dx, gradients = pullback(PADDED)
    for a, b in zip([dx, *gradients], wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=10 * FLOAT32)
    for a, b in zip(layer.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=FLOAT32)


NETWORKS = {
    "batch_normalization": lambda k: [
        k.Masking(),
        k.LSTM(4, return_sequences=True),
        k.BatchNormalization(momentum=0.9),
        k.LSTM(4),
        k.BatchNormalization(),
        k.Dense(1),
    ],
    "time_distributed": lambda k: [
        k.GRU(4, return_sequences=True),
        k.TimeDistributed(k.BatchNormalization(momentum=0.9)),
        k.LSTM(4),
        k.Dense(1),
    ],
    "frozen": lambda k: [k.LSTM(4), k.BatchNormalization(trainable=False), k.Dense(1)],
    "layer_normalization": lambda k: [
        k.Masking(),
        k.GRU(4, return_sequences=True),
        k.LayerNormalization(),
        k.GlobalAveragePooling1D(),
        k.PReLU(),
        k.Dense(1),
    ],
    "small": lambda k: [
        k.ZeroPadding1D(1),
        k.SimpleRNN(4, return_sequences=True),
        k.MaxPooling1D(2),
        k.LeakyReLU(),
        k.ActivityRegularization(l2=0.01),
        k.AveragePooling1D(2, padding="same"),
        k.Permute((2, 1)),
        k.Softmax(),
        k.Flatten(),
        k.Dense(1),
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_training(name):
    found = []
    x, y = (PADDED[1:], X[1:, 0, :1])
    for k in (ours, theirs):
        model = k.Sequential([k.Input((T, I)), *NETWORKS[name](k.layers)])
        values = [np.random.default_rng(w.size).normal(size=w.shape) * 0.5 for w in model.get_weights()]
        model.set_weights([abs(v) if v.ndim == 1 else v for v in values])
        model.compile("adam", "mse")
        history = model.fit(x, y, epochs=3, batch_size=2, shuffle=False, verbose=0).history["loss"]
        found.append([history, *model.get_weights(), model.predict(x, verbose=0)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)  # six steps of float32 training by two implementations


def test_penalties_on_what_goes_through():
    values = []
    for k in (ours, theirs):
        model = k.Sequential(
            [k.Input((I,)), k.layers.ActivityRegularization(0.1, 0.2), k.layers.Dense(1, trainable=False)]
        )
        model.set_weights([np.ones(w.shape) for w in model.get_weights()])
        model.compile("sgd", "mse")
        values.append(model.evaluate(X[:, 0], np.zeros((N, 1)), verbose=0))
    assert values[0] == pytest.approx(values[1], rel=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "SpatialDropout1D",
            "GaussianNoise",
            "GaussianDropout",
            "ActivityRegularization",
            "ReLU",
            "LeakyReLU",
            "PReLU",
        ),
        *("ELU", "Softmax", "Identity", "Rescaling", "RepeatVector", "Reshape", "Permute", "Flatten", "UpSampling1D"),
        *("ZeroPadding1D", "Cropping1D", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "MaxPooling1D"),
        *("AveragePooling1D", "PReLU", "BatchNormalization", "LayerNormalization", "GroupNormalization"),
        *("RMSNormalization", "UnitNormalization"),
    ],
)
def test_constructors_take_the_same_arguments(name):
    taken, wanted = (inspect.signature(getattr(k.layers, name)).parameters for k in (ours, theirs))
    for argument in wanted.keys() - {"kwargs", "name", "dtype"}:
        theirs_default, own = wanted[argument].default, taken[argument].default
        same = own == theirs_default or str(own).lower() == str(theirs_default).lower()
        assert same, (name, argument)
    own_order = [argument for argument in taken if argument in wanted]
    assert own_order == [argument for argument in wanted if argument in taken]
